// The memory of the process.

#ifndef WEIGHTINIT_SERVER_APP_MEMORY_H_
#define WEIGHTINIT_SERVER_APP_MEMORY_H_

#include <cstdint>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace weightinit {

// How much the process may have, in bytes: the memory of the machine, or less
// where its control group or its address space (ulimit -v) is limited.
int64_t MemoryLimit();

// Lets threads reserve less address space than usual, so that it suffices where
// it is limited. Call it before any thread is started.
void ReserveLittleAddressSpace();

// A thread that gives memory back to the system after a burst, which malloc
// would keep.
class MemoryTrimmer {
 public:
  // Calls release() first, whenever the process has become larger than it was
  // after the last time and is_idle() says that nothing needs it now.
  MemoryTrimmer(std::function<bool()> is_idle, std::function<void()> release);
  ~MemoryTrimmer();
  MemoryTrimmer(const MemoryTrimmer&) = delete;
  MemoryTrimmer& operator=(const MemoryTrimmer&) = delete;

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::function<bool()> is_idle_;
  const std::function<void()> release_;

  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_MEMORY_H_
