#include "server/stream/ticker.h"

#include <functional>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weightinit {

Ticker::Ticker(absl::Duration interval, std::function<void()> tick)
    : interval_(interval),
      tick_(std::move(tick)),
      thread_([this] { Work(); }) {}

Ticker::~Ticker() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
}

void Ticker::Work() {
  while (Wait()) tick_();
}

bool Ticker::Wait() {
  const absl::Time deadline = absl::Now() + interval_;
  const absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  return !stopping_;
}

}  // namespace weightinit
