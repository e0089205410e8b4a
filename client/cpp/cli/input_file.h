// A file that is read at any place.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_INPUT_FILE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_INPUT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weightinit::cli {

// A regular file that is open for reading. Thread-safe.
class InputFile {
 public:
  // NOT_FOUND: there is none. INVALID_ARGUMENT: it is no regular file.
  // INTERNAL: it cannot be read. Errors begin with the path.
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(
      const std::string& path);

  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::string& path() const { return path_; }
  // When it was opened.
  int64_t bytes() const { return bytes_; }

  // Reads all of `data` from `offset` on, in bytes from the start. DATA_LOSS:
  // the file ends before.
  absl::Status ReadAt(int64_t offset, absl::Span<uint8_t> data) const;
  // `size` bytes from `offset` on.
  absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const;

 private:
  InputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;
  int64_t bytes_ = 0;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_INPUT_FILE_H_
