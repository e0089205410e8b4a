// A directory of files that appears whole or not at all.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_DIRECTORY_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_DIRECTORY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weightinit::cli {

// The files are written in a temporary directory beside the path, which takes
// its place in Commit; an OutputDirectory that is destroyed without Commit
// leaves nothing behind, unless it is told to. Errors name the path; they are
// INTERNAL but for what is said at Open.
//
// Not thread-safe, but for WriteAt. A process has one OutputDirectory or Output
// at a time, since RemoveTemporary knows of one.
class OutputDirectory {
 public:
  // `names` are those of the files. A directory that is there is empty, and is
  // replaced; a link to one is followed. INVALID_ARGUMENT: it is not empty, is
  // no directory, or cannot be replaced because something is mounted there.
  //
  // `keep_partial`: the directory that is written is PATH.partial, with the
  // files that are in it, and stays without Commit if one of them has bytes.
  // INVALID_ARGUMENT: there is something else in it.
  static absl::StatusOr<std::unique_ptr<OutputDirectory>> Open(
      const std::string& path, const std::vector<std::string>& names,
      bool keep_partial = false);

  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;
  ~OutputDirectory();

  // To the file number `file`, from `offset` on, in bytes from its start.
  // Several threads may write different parts at once.
  absl::Status WriteAt(size_t file, int64_t offset,
                       absl::Span<const uint8_t> data) const;

  // With keep_partial: the directory that is written; what a file has; and
  // making all files empty.
  const std::string& partial_path() const { return written_; }
  absl::Status ReadAt(size_t file, int64_t offset,
                      absl::Span<uint8_t> data) const;
  absl::Status Clear();

  // Makes all that was written durable and visible under the path. Call it
  // once, last.
  absl::Status Commit();

 private:
  OutputDirectory(std::string target, std::optional<mode_t> mode)
      : target_(std::move(target)), mode_(mode) {}

  // Makes the directory that is written, and its files.
  absl::Status CreateTemporaryDirectory(const std::vector<std::string>& names);
  absl::Status OpenPartial(const std::vector<std::string>& names);
  // `flags` are those of open.
  absl::Status OpenFiles(const std::vector<std::string>& names, int flags);
  std::string PathOf(size_t file) const;

  const std::string target_;
  // Of the directory that is replaced.
  const std::optional<mode_t> mode_;
  std::string written_;  // Empty once it is committed.
  int lock_ = -1;        // With keep_partial: the directory, locked.
  std::vector<std::string> names_;
  std::vector<int> fds_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_DIRECTORY_H_
