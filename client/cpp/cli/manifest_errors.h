// Errors about models, with their places in manifests.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MANIFEST_ERRORS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MANIFEST_ERRORS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weightinit::cli {

// `status` with the place in the manifest in front of each violation, one to a
// line; `text` is the manifest's and `path` its file's. What is not in the
// manifest is named as `name_of` says, if it is given.
absl::Status ExplainInManifest(
    const absl::Status& status, absl::string_view text, const std::string& path,
    const std::function<std::string(const std::string&)>& name_of = nullptr);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MANIFEST_ERRORS_H_
