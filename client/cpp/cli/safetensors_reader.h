// Reads the headers of safetensors files.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_READER_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_READER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weightinit::cli {

// The header's JSON may have at most as many bytes as safetensors allows.
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;

// A tensor as a header says it.
struct SafetensorsTensor {
  std::string name;
  std::string dtype;           // As in the file: "F32", "I64".
  std::vector<int64_t> shape;  // Each at least 0.
  int64_t begin = 0;           // Bytes from the first byte of the data.
  int64_t end = 0;
};

struct SafetensorsHeader {
  // In the order of their data.
  std::vector<SafetensorsTensor> tensors;
  // "__metadata__", in the order of the file.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// The header that `json` says, where the file has `data_bytes` bytes behind it:
// data may be missing at its end, but none may be there that no tensor has.
// INVALID_ARGUMENT tells what is wrong, without the name of the file.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json,
                                                         int64_t data_bytes);

// The header of a file. Its data are not read, and need not be there: the first
// bytes of a file do. INVALID_ARGUMENT: it is no safetensors file; what the
// system says of a file that cannot be read, for example NOT_FOUND. Errors
// begin with the path.
absl::StatusOr<SafetensorsHeader> ReadSafetensorsHeader(
    const std::string& path);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_READER_H_
