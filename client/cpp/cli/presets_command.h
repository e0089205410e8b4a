// weightinit presets

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PRESETS_COMMAND_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PRESETS_COMMAND_H_

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace weightinit::cli {

struct PresetsOptions {
  std::optional<std::string> name;  // Or a path; nothing for all presets.
  bool json = false;
};

// Prints the presets that come along, a line each, or the file of one.
absl::Status RunPresets(const PresetsOptions& options);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PRESETS_COMMAND_H_
