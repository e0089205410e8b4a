// From the text of a manifest, or of what is written like one, to its message.

#ifndef WEIGHTINIT_CLIENT_CPP_MANIFEST_READ_MESSAGE_H_
#define WEIGHTINIT_CLIENT_CPP_MANIFEST_READ_MESSAGE_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weightinit::manifest {

// Fills `message`, which is empty and has a field "version". Errors are those
// of ParseManifest.
absl::Status ReadMessage(absl::string_view text, const std::string& file_name,
                         google::protobuf::Message& message);

}  // namespace weightinit::manifest

#endif  // WEIGHTINIT_CLIENT_CPP_MANIFEST_READ_MESSAGE_H_
