// The threads that compute chunks.

#ifndef WEIGHTINIT_SERVER_STREAM_GENERATOR_POOL_H_
#define WEIGHTINIT_SERVER_STREAM_GENERATOR_POOL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

// A fixed number of threads that run tasks first come, first served. A stream
// submits one task for each chunk, so that streams share the threads fairly and
// the threads of gRPC stay free for I/O. Thread-safe.
class GeneratorPool {
 public:
  // By how much the threads are nicer than the one that made the pool: where
  // there is more to do than cores to do it, a small call is answered before
  // more of a large tensor is computed.
  static constexpr int kNiceness = 3;

  class Task {
   public:
    // Called once for each Submit. The pool does not touch the task afterwards,
    // so that Run may end the life of its object.
    virtual void Run() = 0;

   protected:
    ~Task() = default;
  };

  // REQUIRES: threads >= 1.
  explicit GeneratorPool(int threads);
  // REQUIRES: every task that was submitted has run.
  ~GeneratorPool();
  GeneratorPool(const GeneratorPool&) = delete;
  GeneratorPool& operator=(const GeneratorPool&) = delete;

  // `task` must stay alive until it runs.
  void Submit(Task* task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tasks say how long they have computed, whichever thread they did it on.
  void CountComputing(absl::Duration duration) {
    computing_nanoseconds_ += absl::ToInt64Nanoseconds(duration);
  }
  // All of it together.
  absl::Duration computing() const {
    return absl::Nanoseconds(computing_nanoseconds_.load());
  }

 private:
  // What each thread does.
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for a task; null when the pool stops and none is left.
  Task* NextTask() ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::deque<Task*> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int64_t> computing_nanoseconds_{0};

  std::vector<std::thread> threads_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_GENERATOR_POOL_H_
