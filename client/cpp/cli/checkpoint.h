// The tensors of a checkpoint in one or several safetensors files.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_CHECKPOINT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_CHECKPOINT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/cli/safetensors_reader.h"

namespace weightinit::cli {

struct Checkpoint {
  // File by file in the order of their names, in each in the order of the data.
  // No name is there twice.
  std::vector<SafetensorsTensor> tensors;
  // Other names of tensors, with the name of each, as the metadata of files of
  // weightinit and of safetensors.torch.save_model have them.
  std::vector<std::pair<std::string, std::string>> aliases;
};

// Reads the headers that `path` stands for: a safetensors file, an index whose
// name ends in ".json", or a directory with one of the two. INVALID_ARGUMENT:
// they are not what they should be; what the system says of a file that cannot
// be read, for example NOT_FOUND. Errors begin with the path of the file that
// they are about.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_CHECKPOINT_H_
