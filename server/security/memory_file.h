// A file that only this process has.

#ifndef WEIGHTINIT_SERVER_SECURITY_MEMORY_FILE_H_
#define WEIGHTINIT_SERVER_SECURITY_MEMORY_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weightinit {

// For a reader that watches a path. Its path stays; whoever opens it finds one
// whole text or the next, and another time of change after each. It is never
// closed: a watcher of gRPC's may outlive a server by a moment, and would find
// whatever has taken the number of the descriptor. Not thread-safe, but for
// those who read the path.
class MemoryFile {
 public:
  MemoryFile() = default;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // INTERNAL: the system has none to give.
  absl::Status Write(absl::string_view text);

  // REQUIRES: a Write has succeeded.
  std::string path() const;

 private:
  int descriptor_ = -1;
  int64_t writes_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SECURITY_MEMORY_FILE_H_
