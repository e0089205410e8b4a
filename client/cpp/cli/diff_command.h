// The subcommand `weightinit model diff`.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_DIFF_COMMAND_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_DIFF_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "client/cpp/cli/preset_options.h"

namespace weightinit::cli {

// As typed: paths of manifests; one may be "-" for standard input.
struct ModelDiffOptions {
  std::string a;
  std::string b;
  PresetOptions presets;  // Of b.
  bool json = false;
};

// Prints what differs between two models, tensor by tensor, once all defaults
// and rules are applied. ABORTED: something does. INVALID_ARGUMENT also for a
// manifest that cannot be read, so that ABORTED has an exit status of its own.
absl::Status RunModelDiff(const ModelDiffOptions& options);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_DIFF_COMMAND_H_
