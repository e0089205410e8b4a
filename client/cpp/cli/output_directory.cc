#include "client/cpp/cli/output_directory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/temporary.h"

namespace weightinit::cli {
namespace {

// Less the umask.
constexpr mode_t kDirectoryMode = 0777;
constexpr mode_t kFileMode = 0666;
constexpr mode_t kPermissions = 07777;

// As many files as the system lets this process open.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Otherwise opening a file fails, and says so.
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return;
}

absl::Status Refusal(const std::string& path, const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("--output: \"", path, "\" ", what));
}

// INVALID_ARGUMENT: the directory, which is there, cannot be replaced.
absl::Status CheckReplaceable(const std::string& path,
                              const struct stat& info) {
  if (!S_ISDIR(info.st_mode)) return Refusal(path, "is not a directory");
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) return WriteError(path, error.value());
  if (!empty) return Refusal(path, "is not empty");
  struct stat parent {};
  if (stat(DirectoryOf(path).c_str(), &parent) != 0) {
    return WriteError(path, errno);
  }
  if (parent.st_dev != info.st_dev || parent.st_ino == info.st_ino) {
    return Refusal(path,
                   "is a mount point, which cannot be replaced; name a "
                   "directory inside it");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputDirectory>> OutputDirectory::Open(
    const std::string& path, const std::vector<std::string>& names) {
  std::string target = path;
  while (target.size() > 1 && target.back() == '/') target.pop_back();
  std::optional<mode_t> mode;
  struct stat info {};
  const int error_of_stat = stat(target.c_str(), &info) == 0 ? 0 : errno;
  if (error_of_stat == 0) {
    std::error_code error;
    target = std::filesystem::canonical(target, error);
    if (error) return WriteError(path, error.value());
    if (absl::Status status = CheckReplaceable(target, info); !status.ok()) {
      return status;
    }
    mode = info.st_mode & kPermissions;
  } else if (error_of_stat != ENOENT || lstat(target.c_str(), &info) == 0) {
    // A link that leads nowhere, too.
    return WriteError(path, error_of_stat);
  }
  std::unique_ptr<OutputDirectory> output(new OutputDirectory(target));
  if (absl::Status status = output->Create(names, mode); !status.ok()) {
    return status;
  }
  return output;
}

absl::Status OutputDirectory::Create(const std::vector<std::string>& names,
                                     std::optional<mode_t> mode) {
  RaiseFileLimit();
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  temporary.path = CreateTemporary(target_, [](const std::string& name) {
    return mkdir(name.c_str(), kDirectoryMode) == 0;
  });
  if (temporary.path.empty()) return WriteError(target_, errno);
  for (const std::string& name : names) {
    const int fd = open(absl::StrCat(temporary.path, "/", name).c_str(),
                        O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kFileMode);
    if (fd < 0 && errno == EMFILE) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--max-file-bytes: makes ", names.size(),
          " files, more than this process may have open; give a larger one"));
    }
    if (fd < 0) return WriteError(target_, errno);
    names_.push_back(name);
    fds_.push_back(fd);
  }
  // Last, since it may be one that forbids writing.
  if (mode.has_value() && chmod(temporary.path.c_str(), *mode) != 0) {
    return WriteError(target_, errno);
  }
  return absl::OkStatus();
}

OutputDirectory::~OutputDirectory() {
  for (const int fd : fds_) close(fd);
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  if (temporary.path.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(temporary.path, ignored);
  temporary.path.clear();
}

absl::Status OutputDirectory::WriteAt(size_t file, int64_t offset,
                                      absl::Span<const uint8_t> data) const {
  return WriteAllAt(fds_[file], offset, data,
                    absl::StrCat(target_, "/", names_[file]));
}

absl::Status OutputDirectory::Commit() {
  while (!fds_.empty()) {
    const int fd = fds_.back();
    const int sync_error = fsync(fd) == 0 ? 0 : errno;
    fds_.pop_back();
    const int close_error = close(fd) == 0 ? 0 : errno;
    if (sync_error != 0 || close_error != 0) {
      return WriteError(target_, sync_error != 0 ? sync_error : close_error);
    }
  }
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  // An empty directory that is there gives way.
  if (rename(temporary.path.c_str(), target_.c_str()) != 0) {
    return WriteError(target_, errno);
  }
  temporary.path.clear();
  return absl::OkStatus();
}

}  // namespace weightinit::cli
