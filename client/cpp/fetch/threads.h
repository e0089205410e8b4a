// Work on several threads at once.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_THREADS_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_THREADS_H_

#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace weightinit {

// Calls `work` on `count` threads at once; on fewer where the system has no
// more.
class Threads {
 public:
  template <typename Work>
  Threads(int count, const Work& work) {
    threads_.reserve(static_cast<size_t>(count));
    try {
      for (int i = 0; i < count; ++i) threads_.emplace_back(work);
      // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const std::system_error&) {
    }
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    for (std::thread& thread : threads_) thread.join();
  }

  bool empty() const { return threads_.empty(); }

 private:
  std::vector<std::thread> threads_;
};

// Calls `work` on the calling thread and on others, `count` together, and waits
// until all have returned.
template <typename Work>
void OnThreads(int count, const Work& work) {
  const Threads others(count - 1, work);
  work();
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_THREADS_H_
