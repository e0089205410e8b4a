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
// leaves nothing behind. Errors name the path; they are INTERNAL but for what
// is said at Open.
//
// Not thread-safe, but for WriteAt. A process has one OutputDirectory or Output
// at a time, since RemoveTemporary knows of one.
class OutputDirectory {
 public:
  // `names` are those of the files. A directory that is there is empty, and is
  // replaced; a link to one is followed. INVALID_ARGUMENT: it is not empty, is
  // no directory, or cannot be replaced because something is mounted there.
  static absl::StatusOr<std::unique_ptr<OutputDirectory>> Open(
      const std::string& path, const std::vector<std::string>& names);

  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;
  ~OutputDirectory();

  // To the file number `file`, from `offset` on, in bytes from its start.
  // Several threads may write different parts at once.
  absl::Status WriteAt(size_t file, int64_t offset,
                       absl::Span<const uint8_t> data) const;

  // Makes all that was written durable and visible under the path. Call it
  // once, last.
  absl::Status Commit();

 private:
  explicit OutputDirectory(std::string target) : target_(std::move(target)) {}

  // Makes the temporary directory and its files; it gets the mode of the one
  // that it replaces.
  absl::Status Create(const std::vector<std::string>& names,
                      std::optional<mode_t> mode);

  const std::string target_;
  std::vector<std::string> names_;
  std::vector<int> fds_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_DIRECTORY_H_
