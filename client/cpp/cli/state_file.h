// A small file beside a partial one that says what the partial file holds.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_STATE_FILE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_STATE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weightinit::cli {

// Not thread-safe.
class StateFile {
 public:
  // `partial_path` is that of what it tells of.
  explicit StateFile(absl::string_view partial_path);

  // Empty if there is none.
  std::string Read() const;

  // Whether it is time to save, with `unsaved_bytes` of data written since the
  // last time: at 16 MiB or after a second, which is what a process that is
  // killed has to fetch again at most.
  bool IsDue(int64_t unsaved_bytes) const;

  // Makes it the whole file at once: a reader sees the old text or the new one.
  // Returns whether it succeeded; if not, there is no file.
  bool Replace(absl::string_view text);

  // Puts it behind the text of the file. Returns whether it succeeded; if not,
  // there is no file.
  bool Append(absl::string_view text);

  void Remove();

 private:
  const std::string path_;
  absl::Time next_save_ = absl::InfinitePast();
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_STATE_FILE_H_
