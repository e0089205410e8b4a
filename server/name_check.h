// The one check that comes before a request is parsed.

#ifndef WEIGHTINIT_SERVER_NAME_CHECK_H_
#define WEIGHTINIT_SERVER_NAME_CHECK_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "weightinit/core/violations.h"

namespace weightinit {

// The strings of the serialized message `wire` that are not UTF-8, at most 16,
// as far as the wire form can be read. The generated parser refuses a message
// that has one, but does not say which, and writes a line of its own to
// standard error.
std::vector<Violation> StringsNotUtf8(
    absl::string_view wire, const google::protobuf::Descriptor& message);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_NAME_CHECK_H_
