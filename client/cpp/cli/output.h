// Where the bytes of a tensor go: a file that appears whole or not at all, a
// device or pipe, or standard output.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weightinit::cli {

struct OutputOptions {
  // Write to a file that has no name until it is complete, where the file
  // system offers it; otherwise to one with a temporary name.
  bool anonymous_file = true;
  // Write to PATH.partial instead, behind what is in it, and leave it there
  // when the Output is destroyed without Commit. Of regular files only.
  bool keep_partial = false;
};

// One output. A regular file is written beside its path, in the same directory,
// and takes its place in Commit, so that no other process ever sees a part of
// it; an Output that is destroyed without Commit leaves nothing behind,
// unless it is told to.
// Anything else that exists at the path (a device, a pipe) is written as the
// bytes come. Symbolic links are followed. Errors are INTERNAL and name the
// path.
//
// Not thread-safe, but for WriteAt. Outputs of one process should be one at a
// time, since RemoveTemporary knows of one.
class Output {
 public:
  // Opens `path` for writing; "-" is standard output.
  static absl::StatusOr<std::unique_ptr<Output>> Open(
      const std::string& path, const OutputOptions& options = {});

  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  // At the end of what was written by these two.
  absl::Status Write(absl::Span<const uint8_t> data);
  absl::Status Write(absl::string_view text);

  // Whether WriteAt may be called: not where bytes can only follow each other.
  bool has_offsets() const {
    return kind_ == Kind::kAnonymous || kind_ == Kind::kTemporary ||
           kind_ == Kind::kPartial;
  }

  // From `offset` on, in bytes from the start of the file. Several threads may
  // write different parts at once. REQUIRES: has_offsets().
  absl::Status WriteAt(int64_t offset, absl::Span<const uint8_t> data) const;

  // With OutputOptions::keep_partial: the file that is written; how much is in
  // it; a part of that; and dropping what is behind `size` bytes, so that Write
  // goes on there.
  std::string partial_path() const;
  int64_t size() const;
  absl::Status ReadAt(int64_t offset, absl::Span<uint8_t> data) const;
  absl::Status CutBehind(int64_t size);

  // Makes all that was written durable and visible under the path. Call it
  // once, last.
  absl::Status Commit();

 private:
  enum class Kind {
    kStandardOutput,
    kDirect,     // A device or pipe, opened as it is.
    kAnonymous,  // A regular file without a name yet.
    kTemporary,  // A regular file under a temporary name.
    kPartial,    // A regular file, PATH.partial.
  };

  Output(Kind kind, int fd, std::string target);

  static absl::StatusOr<std::unique_ptr<Output>> OpenRegular(
      const std::string& target, const OutputOptions& options);
  static absl::StatusOr<std::unique_ptr<Output>> OpenPartial(
      const std::string& target);
  absl::Status Publish();

  Kind kind_;
  int fd_;
  // As the user should see it: the path with its links resolved.
  std::string target_;
};

// Writes all of `data` to the file `fd` from `offset` on. Errors name `path`.
absl::Status WriteAllAt(int fd, int64_t offset, absl::Span<const uint8_t> data,
                        const std::string& path);

// Fills `data` from the file `fd` from `offset` on. INTERNAL, naming `path`: it
// cannot be read, or ends before.
absl::Status ReadAllAt(int fd, int64_t offset, absl::Span<uint8_t> data,
                       const std::string& path);

// Writes `text` to the file descriptor of standard output or standard error.
absl::Status WriteText(int fd, absl::string_view text);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_OUTPUT_H_
