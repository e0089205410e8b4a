// The threads that compute chunks.

#ifndef WEIGHTINIT_SERVER_GENERATOR_POOL_H_
#define WEIGHTINIT_SERVER_GENERATOR_POOL_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace weightinit {

// A fixed number of threads that run tasks first come, first served. A stream
// submits one task for each chunk, so that streams share the threads fairly and
// the threads of gRPC stay free for I/O. Thread-safe.
class GeneratorPool {
 public:
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
  void Submit(Task* task);

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Task*> tasks_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_GENERATOR_POOL_H_
