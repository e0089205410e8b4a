#include "server/security/watched_files.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "proto/cpp/certificates.h"

namespace weightinit {

absl::Status WatchedFiles::Load() {
  Read read = ReadAll();
  if (!read.status.ok()) return read.status;
  const absl::Status status = use_(read.texts);
  if (status.ok()) used_ = std::move(read.texts);
  return status;
}

std::optional<absl::Status> WatchedFiles::Look() {
  Read read = ReadAll();
  if (read.status.ok() && read.texts == used_) {
    bad_.reset();
    return std::nullopt;
  }
  absl::Status status = read.status;
  if (status.ok()) status = use_(read.texts);
  if (status.ok()) {
    used_ = std::move(read.texts);
    bad_.reset();
    const absl::MutexLock lock(&mutex_);
    ++counts_.succeeded;
    return status;
  }
  if (!bad_.has_value() || *bad_ != read) {
    bad_ = std::move(read);
    reported_ = false;
    return std::nullopt;
  }
  if (std::exchange(reported_, true)) return std::nullopt;
  const absl::MutexLock lock(&mutex_);
  ++counts_.failed;
  return status;
}

ReloadCounts WatchedFiles::counts() const {
  const absl::MutexLock lock(&mutex_);
  return counts_;
}

WatchedFiles::Read WatchedFiles::ReadAll() const {
  Read read;
  for (const File& file : files_) {
    auto text = ReadSmallFile(file.path);
    if (!text.ok()) {
      read.status.Update(
          absl::Status(text.status().code(),
                       absl::StrCat(file.flag, ": ", text.status().message())));
      continue;
    }
    read.texts.push_back(*std::move(text));
  }
  return read;
}

}  // namespace weightinit
