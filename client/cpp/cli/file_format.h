// The files that a tensor can be stored in.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_FILE_FORMAT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_FILE_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

// What stands before the tensor's bytes, which are the same in all of them.
enum class FileFormat {
  kNpy,          // NumPy's .npy, version 1.0.
  kSafetensors,  // One tensor, named like the tensor, or "tensor".
  kBin,          // Nothing.
};

// The format that is asked for, else that of the extension of `path`; kBin for
// standard output, "-". INVALID_ARGUMENT lists the choices.
absl::StatusOr<FileFormat> ChooseFormat(
    const std::string& path, const std::optional<std::string>& format);

// INVALID_ARGUMENT if a tensor of this name cannot be stored in `format`.
absl::Status CheckName(FileFormat format, const std::string& name);

// The bytes before those of the tensor. The file's shape is that of the slice,
// or [elements] when not all of the slice is delivered.
std::string FileHeader(FileFormat format,
                       const v1::TensorDescription& description);

// The bytes before those of a tensor in a .npy file, version 1.0. NumPy has no
// bfloat16: it becomes V2, two opaque bytes.
std::string NpyHeader(v1::Dtype dtype, const std::vector<int64_t>& shape);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_FILE_FORMAT_H_
