// The subcommands of `weightinit model`.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_COMMAND_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_COMMAND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/model_selection.h"
#include "client/cpp/cli/preset_options.h"

namespace weightinit::cli {

// Which model, as typed.
struct ModelOptions {
  std::string manifest;  // Path, or "-" for standard input.
  PresetOptions presets;
  std::optional<std::string> seed;
  std::optional<std::string> seed_name;
  std::vector<std::string> only;
  SelectionOptions parts;
  ConnectionOptions connection;
  bool json = false;
};

struct ModelInitOptions {
  ModelOptions model;
  std::string output;  // A file, or a directory of several.
  std::optional<std::string> max_file_bytes;
  // Keep a download that is broken off, and go on with one that is there.
  bool resume = false;
};

struct ModelVerifyOptions {
  ModelOptions model;
  std::string file;
};

// Each prints its result; an error is for the caller to print.
//
// The tensors, and what they amount to; nothing is computed.
absl::Status RunModelPlan(const ModelOptions& options);
// Writes the model to a file, or several in a directory, which appear whole or
// not at all.
absl::Status RunModelInit(const ModelInitOptions& options);
// Computes the model again and compares. DATA_LOSS: the files differ; the error
// names the first tensor and element that do.
absl::Status RunModelVerify(const ModelVerifyOptions& options);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_COMMAND_H_
