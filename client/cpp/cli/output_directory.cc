#include "client/cpp/cli/output_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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
#include "absl/strings/string_view.h"
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

absl::Status Refusal(const std::string& path, absl::string_view what) {
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

// Whether one of the directory's files has any; also if that cannot be told.
bool HasBytes(const std::string& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->file_size(error) > 0) return true;
  }
  return static_cast<bool>(error);
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputDirectory>> OutputDirectory::Open(
    const std::string& path, const std::vector<std::string>& names,
    bool keep_partial) {
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
  RaiseFileLimit();
  std::unique_ptr<OutputDirectory> output(new OutputDirectory(target, mode));
  absl::Status status = keep_partial ? output->OpenPartial(names)
                                     : output->CreateTemporaryDirectory(names);
  if (!status.ok()) return status;
  return output;
}

absl::Status OutputDirectory::CreateTemporaryDirectory(
    const std::vector<std::string>& names) {
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  temporary.path = CreateTemporary(target_, [](const std::string& name) {
    return mkdir(name.c_str(), kDirectoryMode) == 0;
  });
  if (temporary.path.empty()) return WriteError(target_, errno);
  written_ = temporary.path;
  return OpenFiles(names, O_CREAT | O_EXCL | O_WRONLY);
}

absl::Status OutputDirectory::OpenPartial(
    const std::vector<std::string>& names) {
  const std::string partial = absl::StrCat(target_, kPartialSuffix);
  if (mkdir(partial.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return WriteError(partial, errno);
  }
  lock_ =
      open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  // Two downloads into one directory would mix.
  if (lock_ < 0 || flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return WriteError(partial, errno);
  }
  std::error_code error;
  for (std::filesystem::directory_iterator entry(partial, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Refusal(partial, absl::StrCat("has \"", name,
                                           "\", which is no file of this "
                                           "model; remove the directory"));
    }
  }
  if (error) return WriteError(partial, error.value());
  written_ = partial;
  return OpenFiles(names, O_CREAT | O_RDWR | O_NOFOLLOW);
}

absl::Status OutputDirectory::OpenFiles(const std::vector<std::string>& names,
                                        int flags) {
  for (const std::string& name : names) {
    const int fd = open(absl::StrCat(written_, "/", name).c_str(),
                        flags | O_CLOEXEC, kFileMode);
    if (fd < 0 && errno == EMFILE) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--max-file-bytes: makes ", names.size(),
          " files, more than this process may have open; give a larger one"));
    }
    if (fd < 0) return WriteError(target_, errno);
    names_.push_back(name);
    fds_.push_back(fd);
  }
  return absl::OkStatus();
}

OutputDirectory::~OutputDirectory() {
  std::error_code ignored;
  if (lock_ >= 0) {
    // As long as it is locked.
    if (!written_.empty() && !HasBytes(written_)) {
      std::filesystem::remove_all(written_, ignored);
    }
    close(lock_);
  }
  for (const int fd : fds_) close(fd);
  if (lock_ >= 0) return;
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  if (temporary.path.empty()) return;
  std::filesystem::remove_all(temporary.path, ignored);
  temporary.path.clear();
}

std::string OutputDirectory::PathOf(size_t file) const {
  return absl::StrCat(target_, "/", names_[file]);
}

absl::Status OutputDirectory::WriteAt(size_t file, int64_t offset,
                                      absl::Span<const uint8_t> data) const {
  return WriteAllAt(fds_[file], offset, data, PathOf(file));
}

absl::Status OutputDirectory::ReadAt(size_t file, int64_t offset,
                                     absl::Span<uint8_t> data) const {
  return ReadAllAt(fds_[file], offset, data,
                   absl::StrCat(written_, "/", names_[file]));
}

// NOLINTNEXTLINE(readability-make-member-function-const): it changes the files.
absl::Status OutputDirectory::Clear() {
  for (size_t file = 0; file < fds_.size(); ++file) {
    if (ftruncate(fds_[file], 0) != 0) return WriteError(PathOf(file), errno);
  }
  return absl::OkStatus();
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
  // Not before, since it may be one that forbids writing.
  if (mode_.has_value() && chmod(written_.c_str(), *mode_) != 0) {
    return WriteError(target_, errno);
  }
  Temporary& temporary = CurrentTemporary();
  const absl::MutexLock lock(&temporary.mutex);
  // An empty directory that is there gives way.
  if (rename(written_.c_str(), target_.c_str()) != 0) {
    return WriteError(target_, errno);
  }
  written_.clear();
  temporary.path.clear();
  return absl::OkStatus();
}

}  // namespace weightinit::cli
