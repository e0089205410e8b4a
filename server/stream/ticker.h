// A thread that does something again and again.

#ifndef WEIGHTINIT_SERVER_STREAM_TICKER_H_
#define WEIGHTINIT_SERVER_STREAM_TICKER_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

// Calls tick() on a thread of its own, first after `interval`, and `interval`
// after each call has returned, until its destruction, which waits for a call
// that is under way.
class Ticker {
 public:
  Ticker(absl::Duration interval, std::function<void()> tick);
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for the interval; false if it is over before.
  bool Wait() ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration interval_;
  const std::function<void()> tick_;

  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_TICKER_H_
