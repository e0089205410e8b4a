// Reads the headers of safetensors files.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_READER_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_READER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/input_file.h"

namespace weightinit::cli {

// The header's JSON may have at most as many bytes as safetensors allows.
inline constexpr int64_t kMaxSafetensorsHeaderBytes = 100'000'000;
// The header's length, before its JSON.
inline constexpr int64_t kSafetensorsLengthBytes = 8;

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

// The JSON of a file's header. INVALID_ARGUMENT: it is no safetensors file; the
// error begins with its path. Errors of InputFile::ReadAt.
absl::StatusOr<std::string> ReadSafetensorsJson(const InputFile& file);

// The header of a file. Its data are not read, and need not be there: the first
// bytes of a file do. Errors of InputFile::Open and
// ReadSafetensorsJson.
absl::StatusOr<SafetensorsHeader> ReadSafetensorsHeader(
    const std::string& path);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_READER_H_
