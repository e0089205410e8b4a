// The index of a model in several safetensors files.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_INDEX_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_INDEX_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/cli/input_file.h"

namespace weightinit::cli {

// In a directory: the names that Hugging Face's libraries look for.
inline constexpr char kOneSafetensorsFile[] = "model.safetensors";
inline constexpr char kSafetensorsIndex[] = "model.safetensors.index.json";

// The name of the file that each tensor is in, beside the index.
// INVALID_ARGUMENT: `file` is no index; the error begins with its path. Errors
// of InputFile::ReadAt.
absl::StatusOr<std::map<std::string, std::string>> ReadSafetensorsIndex(
    const InputFile& file);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_INDEX_H_
