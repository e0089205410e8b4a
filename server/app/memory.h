// The memory of the process.

#ifndef WEIGHTINIT_SERVER_APP_MEMORY_H_
#define WEIGHTINIT_SERVER_APP_MEMORY_H_

#include <cstdint>
#include <functional>

#include "server/stream/ticker.h"

namespace weightinit {

// How much the process may have, in bytes: the memory of the machine, or less
// where its control group or its address space (ulimit -v) is limited.
int64_t MemoryLimit();

// Lets threads reserve less address space than usual, so that it suffices where
// it is limited, and Abseil keep no record of which mutexes are locked
// together, which grows with the calls. Call it before any thread is started.
void ConfigureMemory();

// Gives memory back to the system after a burst, which malloc would keep.
class MemoryTrimmer {
 public:
  // Calls release() first, whenever the process is larger than it has once been
  // after that, and is_idle() says that nothing needs the memory now. (Not:
  // than after the last time, which may have come before all of it was freed.)
  MemoryTrimmer(std::function<bool()> is_idle, std::function<void()> release);

 private:
  void Trim();

  const std::function<bool()> is_idle_;
  const std::function<void()> release_;
  int64_t smallest_;  // Resident bytes; used by the ticker alone.
  Ticker ticker_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_MEMORY_H_
