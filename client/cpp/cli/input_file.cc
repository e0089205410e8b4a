#include "client/cpp/cli/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace weightinit::cli {
namespace {

absl::Status IoError(const std::string& path, int error) {
  return absl::Status(
      error == ENOENT ? absl::StatusCode::kNotFound
                      : absl::StatusCode::kInternal,
      absl::StrCat(path, ": ", std::generic_category().message(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(
    const std::string& path) {
  // Not to wait for the other end of a pipe.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return IoError(path, errno);
  std::unique_ptr<InputFile> file(new InputFile(path, fd));
  struct stat info {};
  if (fstat(fd, &info) != 0) return IoError(path, errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is no regular file"));
  }
  file->bytes_ = info.st_size;
  return file;
}

InputFile::~InputFile() { close(fd_); }

absl::Status InputFile::ReadAt(int64_t offset, absl::Span<uint8_t> data) const {
  while (!data.empty()) {
    const ssize_t n = pread(fd_, data.data(), data.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError(path_, errno);
    if (n == 0) {
      return absl::DataLossError(
          absl::StrCat(path_, " has become shorter while it was read"));
    }
    offset += n;
    data.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> InputFile::ReadAt(int64_t offset,
                                              int64_t size) const {
  std::string text(static_cast<size_t>(size), '\0');
  absl::Status status = ReadAt(
      offset,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (!status.ok()) return status;
  return text;
}

}  // namespace weightinit::cli
