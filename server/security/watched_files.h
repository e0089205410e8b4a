// Files that are used anew when they change.

#ifndef WEIGHTINIT_SERVER_SECURITY_WATCHED_FILES_H_
#define WEIGHTINIT_SERVER_SECURITY_WATCHED_FILES_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/security/security_options.h"

namespace weightinit {

// Texts of some files, which belong together. Load and Look are called by one
// thread at a time; counts by any.
class WatchedFiles {
 public:
  // Takes the texts into use, or says why not and changes nothing.
  using Use = std::function<absl::Status(const std::vector<std::string>&)>;

  struct File {
    std::string flag;  // Named in errors: "--tls-cert".
    std::string path;
  };

  WatchedFiles(std::vector<File> files, Use use)
      : files_(std::move(files)), use_(std::move(use)) {}

  // INVALID_ARGUMENT: a file cannot be read, or an error of use().
  absl::Status Load();

  // Reads the files again and uses what is new. Nothing: no news. A text that
  // cannot be used is reported once, and only if it is still there at the next
  // look: files are not all written in one moment. It is tried at each look,
  // since time alone may make it good.
  std::optional<absl::Status> Look();

  ReloadCounts counts() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // The texts; where a file cannot be read, the error in its place.
  struct Read {
    absl::Status status;
    std::vector<std::string> texts;
    bool operator!=(const Read& other) const {
      return status != other.status || texts != other.texts;
    }
  };
  Read ReadAll() const;

  const std::vector<File> files_;
  const Use use_;
  std::vector<std::string> used_;
  // What could not be used at the last look, and whether that was reported.
  std::optional<Read> bad_;
  bool reported_ = false;

  mutable absl::Mutex mutex_;
  ReloadCounts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SECURITY_WATCHED_FILES_H_
