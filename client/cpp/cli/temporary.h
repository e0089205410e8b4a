// Temporary files and directories beside what they are to become.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_TEMPORARY_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_TEMPORARY_H_

#include <cerrno>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace weightinit::cli {

// The file or directory that has to be removed if the process ends early; empty
// for none. The mutex is held for ever by RemoveTemporary, so that nothing can
// follow.
struct Temporary {
  absl::Mutex mutex;
  std::string path ABSL_GUARDED_BY(mutex);
};

// The one of the process.
Temporary& CurrentTemporary();

// Removes it, if there is one, and keeps this process from publishing or
// creating another. For use right before an exit, by another thread than the
// one that writes.
void RemoveTemporary();

// Of what is kept for the next run to go on with; put behind the path.
inline constexpr char kPartialSuffix[] = ".partial";

// What stands before the last slash; "." for a name alone.
std::string DirectoryOf(const std::string& path);

// A name beside `target` that is likely to be free.
std::string NewTemporaryName(const std::string& target);

// INTERNAL, naming the path and what the system says.
absl::Status WriteError(const std::string& path, int error);

// Calls `create` with new names beside `target` until one is free. Returns that
// name, or "" with errno set.
template <typename Create>
std::string CreateTemporary(const std::string& target, Create create) {
  constexpr int kNameAttempts = 100;
  for (int i = 0; i < kNameAttempts; ++i) {
    std::string name = NewTemporaryName(target);
    if (create(name)) return name;
    if (errno != EEXIST) break;
  }
  return "";
}

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_TEMPORARY_H_
