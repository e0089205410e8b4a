#include "client/cpp/cli/output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/cli/temporary.h"

namespace weightinit::cli {
namespace {

// As many as Linux follows.
constexpr int kMaxLinks = 40;
constexpr mode_t kMode = 0666;  // Less the umask.

absl::Status WriteAll(int fd, absl::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = write(fd, data.data(), data.size());
    if (written >= 0) {
      data.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return WriteError(path, errno);
    }
  }
  return absl::OkStatus();
}

// `path` with the links at its end followed, also when what they lead to does
// not exist yet.
absl::StatusOr<std::string> FollowLinks(std::string path) {
  const std::string given = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    struct stat info;
    if (lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path;
    char target[4096];
    const ssize_t length = readlink(path.c_str(), target, sizeof(target));
    if (length < 0) return WriteError(path, errno);
    const std::string link(target, static_cast<size_t>(length));
    path = absl::StartsWith(link, "/")
               ? link
               : absl::StrCat(DirectoryOf(path), "/", link);
  }
  return WriteError(given, ELOOP);
}

std::string DescriptorPath(int fd) {
  return absl::StrCat("/proc/self/fd/", fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Output>> Output::Open(
    const std::string& path, const OutputOptions& options) {
  const auto in_order = [&options](const std::string& place) {
    return !options.keep_partial ? absl::OkStatus()
                                 : absl::InvalidArgumentError(absl::StrCat(
                                       "--resume: ", place,
                                       " is not a file, which --output has "
                                       "to be"));
  };
  if (path == "-") {
    if (absl::Status status = in_order("standard output"); !status.ok()) {
      return status;
    }
    return std::unique_ptr<Output>(
        new Output(Kind::kStandardOutput, STDOUT_FILENO, "standard output"));
  }
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return WriteError(path, EISDIR);
    if (absl::Status status = in_order(path); !status.ok()) return status;
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return WriteError(path, errno);
    return std::unique_ptr<Output>(new Output(Kind::kDirect, fd, path));
  }
  absl::StatusOr<std::string> target = FollowLinks(path);
  if (!target.ok()) return target.status();
  if (target->empty() || target->back() == '/') return WriteError(path, EISDIR);
  // Replacing a file asks for leave to write the directory only; a file that is
  // write-protected is meant to stay.
  if (access(target->c_str(), W_OK) != 0 && errno != ENOENT) {
    return WriteError(*target, errno);
  }
  return options.keep_partial ? OpenPartial(*target)
                              : OpenRegular(*target, options);
}

absl::StatusOr<std::unique_ptr<Output>> Output::OpenPartial(
    const std::string& target) {
  const std::string path = absl::StrCat(target, kPartialSuffix);
  const int fd =
      open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, kMode);
  if (fd < 0) return WriteError(path, errno);
  std::unique_ptr<Output> output(new Output(Kind::kPartial, fd, target));
  struct stat info;
  if (fstat(fd, &info) != 0) return WriteError(path, errno);
  if (!S_ISREG(info.st_mode)) return WriteError(path, EEXIST);
  // Two downloads into one file would mix.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) return WriteError(path, errno);
  return output;
}

absl::StatusOr<std::unique_ptr<Output>> Output::OpenRegular(
    const std::string& target, const OutputOptions& options) {
  if (options.anonymous_file) {
    const int fd = open(DirectoryOf(target).c_str(),
                        O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
    if (fd >= 0) {
      // It gets its name through /proc.
      if (access(DescriptorPath(fd).c_str(), F_OK) == 0) {
        return std::unique_ptr<Output>(
            new Output(Kind::kAnonymous, fd, target));
      }
      close(fd);
    }
  }
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  int fd = -1;
  temporary.path = CreateTemporary(target, [&fd](const std::string& name) {
    fd = open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
    return fd >= 0;
  });
  if (fd < 0) return WriteError(target, errno);
  return std::unique_ptr<Output>(new Output(Kind::kTemporary, fd, target));
}

Output::Output(Kind kind, int fd, std::string target)
    : kind_(kind), fd_(fd), target_(std::move(target)) {}

Output::~Output() {
  // Closed already: committed.
  if (kind_ == Kind::kStandardOutput || fd_ < 0) return;
  // A partial file in which nothing was written is none.
  if (kind_ == Kind::kPartial && size() == 0) unlink(partial_path().c_str());
  close(fd_);
  if (kind_ != Kind::kTemporary) return;
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  if (!temporary.path.empty()) unlink(temporary.path.c_str());
  temporary.path.clear();
}

absl::Status Output::Write(absl::Span<const uint8_t> data) {
  return Write(absl::string_view(reinterpret_cast<const char*>(data.data()),
                                 data.size()));
}

absl::Status Output::Write(absl::string_view text) {
  return WriteAll(fd_, text, target_);
}

absl::Status Output::WriteAt(int64_t offset,
                             absl::Span<const uint8_t> data) const {
  return WriteAllAt(fd_, offset, data, target_);
}

std::string Output::partial_path() const {
  return absl::StrCat(target_, kPartialSuffix);
}

int64_t Output::size() const {
  struct stat info;
  return fstat(fd_, &info) == 0 ? info.st_size : 0;
}

absl::Status Output::ReadAt(int64_t offset, absl::Span<uint8_t> data) const {
  return ReadAllAt(fd_, offset, data, partial_path());
}

// NOLINTNEXTLINE(readability-make-member-function-const): it changes the file.
absl::Status Output::CutBehind(int64_t size) {
  if (ftruncate(fd_, size) != 0 || lseek(fd_, size, SEEK_SET) != size) {
    return WriteError(partial_path(), errno);
  }
  return absl::OkStatus();
}

absl::Status Output::Commit() {
  if (kind_ == Kind::kStandardOutput) return absl::OkStatus();
  if (has_offsets()) {
    if (fsync(fd_) != 0) return WriteError(target_, errno);
    if (absl::Status status = Publish(); !status.ok()) return status;
  }
  const int result = close(fd_);
  const int error = errno;
  fd_ = -1;
  return result == 0 ? absl::OkStatus() : WriteError(target_, error);
}

absl::Status Output::Publish() {
  if (kind_ == Kind::kPartial) {
    return rename(partial_path().c_str(), target_.c_str()) == 0
               ? absl::OkStatus()
               : WriteError(target_, errno);
  }
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  if (kind_ == Kind::kAnonymous) {
    // rename, unlike linkat, replaces a file that is there.
    temporary.path = CreateTemporary(target_, [this](const std::string& name) {
      return linkat(AT_FDCWD, DescriptorPath(fd_).c_str(), AT_FDCWD,
                    name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    });
    if (temporary.path.empty()) return WriteError(target_, errno);
  }
  absl::Status status;
  if (rename(temporary.path.c_str(), target_.c_str()) != 0) {
    status = WriteError(target_, errno);
    unlink(temporary.path.c_str());
  }
  temporary.path.clear();
  return status;
}

absl::Status WriteAllAt(int fd, int64_t offset, absl::Span<const uint8_t> data,
                        const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = pwrite(fd, data.data(), data.size(), offset);
    if (written >= 0) {
      data.remove_prefix(static_cast<size_t>(written));
      offset += written;
    } else if (errno != EINTR) {
      return WriteError(path, errno);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadAllAt(int fd, int64_t offset, absl::Span<uint8_t> data,
                       const std::string& path) {
  while (!data.empty()) {
    const ssize_t got = pread(fd, data.data(), data.size(), offset);
    if (got > 0) {
      data.remove_prefix(static_cast<size_t>(got));
      offset += got;
    } else if (got == 0 || errno != EINTR) {
      return absl::InternalError(absl::StrCat("cannot read ", path));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteText(int fd, absl::string_view text) {
  return WriteAll(fd, text,
                  fd == STDOUT_FILENO ? "standard output" : "standard error");
}

}  // namespace weightinit::cli
