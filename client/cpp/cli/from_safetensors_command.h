// The subcommand `weightinit model from-safetensors`.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_FROM_SAFETENSORS_COMMAND_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_FROM_SAFETENSORS_COMMAND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/cli/checkpoint.h"
#include "client/cpp/cli/preset_options.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// As typed.
struct FromSafetensorsOptions {
  std::string file;  // See ReadCheckpoint.
  std::optional<std::string> activation;
  std::optional<std::string> layout;
  std::vector<std::string> skip;  // Patterns of names.
  PresetOptions presets;
  std::optional<std::string> output;
  bool json = false;
};

// Prints or writes a manifest with the names, shapes, dtypes and aliases of a
// checkpoint.
absl::Status RunFromSafetensors(const FromSafetensorsOptions& options);

// A model, and what its reader should know of it.
struct RecoveredModel {
  v1::ModelSpec spec;
  std::vector<std::string> unknown;  // Tensors whose scheme is a guess.
};

// The model that has the tensors of `checkpoint`, less those whose names match
// a pattern of `skip`. INVALID_ARGUMENT names the tensors that cannot be, and
// why: a dtype that weightinit does not have, or a name that a manifest cannot
// say.
absl::StatusOr<RecoveredModel> RecoverModel(
    const Checkpoint& checkpoint, const std::vector<std::string>& skip,
    v1::Activation activation, v1::Layout layout);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_FROM_SAFETENSORS_COMMAND_H_
