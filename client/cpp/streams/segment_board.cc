#include "client/cpp/streams/segment_board.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weightinit {

SegmentBoard::SegmentBoard(const SegmentBoardOptions& options,
                           std::function<int64_t(int64_t)> align)
    : min_bytes_(options.min_bytes), align_(std::move(align)) {
  const absl::Time now = absl::Now();
  const int64_t share = options.bytes / options.workers;
  const absl::MutexLock lock(&mutex_);
  for (int i = 0; i < options.workers; ++i) {
    const bool last = i + 1 == options.workers;
    const int64_t begin = workers_.empty() ? 0 : workers_.back().rest.end;
    const int64_t end = last ? options.bytes : align_(share * (i + 1));
    workers_.push_back({{begin, end}, now, options.patience, nullptr});
  }
}

bool SegmentBoard::Acquire(int worker) {
  const absl::MutexLock lock(&mutex_);
  Worker& mine = workers_[static_cast<size_t>(worker)];
  while (status_.ok() && mine.rest.empty()) {
    absl::Duration wait;
    if (TakeOver(mine, &wait)) break;
    if (wait == absl::ZeroDuration()) return false;
    changed_.WaitWithDeadline(&mutex_, absl::Now() + wait);
  }
  return HasWork(mine);
}

bool SegmentBoard::TakeOver(Worker& worker, absl::Duration* wait) {
  const absl::Time now = absl::Now();
  const auto most_left = std::max_element(
      workers_.begin(), workers_.end(), [](const Worker& a, const Worker& b) {
        return a.rest.bytes() < b.rest.bytes();
      });
  if (most_left->rest.empty()) {
    *wait = absl::ZeroDuration();
    return false;
  }
  // Those that stand still come first: theirs may be the last bytes of all.
  absl::Duration next = absl::InfiniteDuration();
  for (Worker& other : workers_) {
    if (other.rest.empty()) continue;
    const absl::Duration left = other.last_claim + other.patience - now;
    if (left > absl::ZeroDuration()) {
      next = std::min(next, left);
      continue;
    }
    worker.rest = other.rest;
    worker.patience = 2 * other.patience;
    worker.last_claim = now;
    other.rest.end = other.rest.begin;
    Interrupt(other);
    changed_.SignalAll();
    return true;
  }
  Segment& theirs = most_left->rest;
  if (theirs.bytes() >= 2 * min_bytes_) {
    const int64_t middle = align_(theirs.begin + theirs.bytes() / 2);
    if (middle > theirs.begin) {
      worker.rest = {middle, theirs.end};
      worker.patience = most_left->patience;
      worker.last_claim = now;
      theirs.end = middle;
      return true;
    }
  }
  *wait = next;
  return false;
}

void SegmentBoard::Interrupt(Worker& worker) {
  if (worker.interrupt) worker.interrupt();
  worker.interrupt = nullptr;
}

Segment SegmentBoard::Rest(int worker) const {
  const absl::MutexLock lock(&mutex_);
  return workers_[static_cast<size_t>(worker)].rest;
}

int64_t SegmentBoard::Claim(int worker, int64_t bytes) {
  const absl::MutexLock lock(&mutex_);
  if (!status_.ok()) return 0;
  Worker& mine = workers_[static_cast<size_t>(worker)];
  const int64_t claimed = std::min(bytes, mine.rest.bytes());
  mine.rest.begin += claimed;
  mine.last_claim = absl::Now();
  claimed_ += claimed;
  if (mine.rest.empty()) changed_.SignalAll();
  return claimed;
}

bool SegmentBoard::SetInterrupt(int worker, std::function<void()> interrupt) {
  const absl::MutexLock lock(&mutex_);
  Worker& mine = workers_[static_cast<size_t>(worker)];
  if (!HasWork(mine)) return false;
  mine.interrupt = std::move(interrupt);
  return true;
}

void SegmentBoard::ClearInterrupt(int worker) {
  const absl::MutexLock lock(&mutex_);
  workers_[static_cast<size_t>(worker)].interrupt = nullptr;
}

bool SegmentBoard::Pause(int worker, absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  const absl::MutexLock lock(&mutex_);
  const Worker& mine = workers_[static_cast<size_t>(worker)];
  while (HasWork(mine) && !changed_.WaitWithDeadline(&mutex_, until)) {
  }
  return HasWork(mine);
}

void SegmentBoard::Fail(const absl::Status& status) {
  const absl::MutexLock lock(&mutex_);
  status_.Update(status);
  for (Worker& worker : workers_) Interrupt(worker);
  changed_.SignalAll();
}

absl::Status SegmentBoard::status() const {
  const absl::MutexLock lock(&mutex_);
  return status_;
}

int64_t SegmentBoard::claimed() const {
  const absl::MutexLock lock(&mutex_);
  return claimed_;
}

}  // namespace weightinit
