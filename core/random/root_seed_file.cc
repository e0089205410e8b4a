#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "openssl/crypto.h"
#include "weightinit/core/root_seed.h"

namespace weightinit {
namespace {

// What was read; erased in the end.
struct Buffer {
  ~Buffer() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

  // Room for the longest root seed, its line feed, and one byte that is too
  // much.
  std::array<char, kMaxRootSeedBytes + 2> bytes{};
};

class File {
 public:
  // If it cannot be opened, nor can it be read.
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        error_(fd_ < 0 ? errno : 0) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Fills `buffer` from its front, as far as the file goes. Returns the number
  // of bytes; after an error, error() is its errno.
  size_t Read(Buffer& buffer) {
    size_t size = 0;
    while (error_ == 0 && size < buffer.bytes.size()) {
      const ssize_t count =
          read(fd_, &buffer.bytes[size], buffer.bytes.size() - size);
      if (count > 0) {
        size += static_cast<size_t>(count);
      } else if (count == 0) {
        break;
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
    return size;
  }

  int error() const { return error_; }

  // Not of a pipe, which a shell passes as /dev/fd/63.
  bool Exposed() const {
    struct stat status {};
    return fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_mode & (S_IWGRP | S_IROTH | S_IWOTH)) != 0;
  }

 private:
  const int fd_;
  int error_;
};

}  // namespace

absl::StatusOr<RootSeedFile> ReadRootSeedFile(const std::string& path) {
  File file(path);
  Buffer buffer;
  std::string_view bytes(buffer.bytes.data(), file.Read(buffer));
  if (file.error() != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read \"", path,
                     "\": ", std::generic_category().message(file.error())));
  }
  const bool too_long = bytes.size() == buffer.bytes.size();
  if (!bytes.empty() && bytes.back() == '\n') bytes.remove_suffix(1);
  auto root_seed = RootSeed::FromBytes(bytes);
  if (root_seed.ok()) {
    return RootSeedFile{*std::move(root_seed), file.Exposed()};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", path, "\" has ",
      too_long ? absl::StrCat("more than ", kMaxRootSeedBytes)
               : absl::StrCat(bytes.size()),
      " bytes, a line feed at the end not counted; a root seed must have from ",
      kMinRootSeedBytes, " to ", kMaxRootSeedBytes,
      ", for example the output of: openssl rand -hex 32"));
}

}  // namespace weightinit
