#include "client/cpp/streams/replica_pool.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/streams/replica.h"
#include "proto/cpp/status_conversion.h"

namespace weightinit {

ReplicaPool::ReplicaPool(int replicas, const Backoff& backoff)
    : backoff_(backoff), states_(static_cast<size_t>(replicas)) {}

ReplicaPool::Choice ReplicaPool::Choose(int worker) {
  const absl::Time now = absl::Now();
  const absl::MutexLock lock(&mutex_);
  const int replicas = static_cast<int>(states_.size());
  Choice choice{-1, absl::InfiniteDuration()};
  for (int i = 0; i < replicas; ++i) {
    const int candidate = (worker + i) % replicas;
    const State& state = states_[static_cast<size_t>(candidate)];
    if (state.ready > now) {
      choice.pause = std::min(choice.pause, state.ready - now);
    } else if (choice.replica < 0 ||
               state.attempts <
                   states_[static_cast<size_t>(choice.replica)].attempts) {
      choice.replica = candidate;
    }
  }
  if (choice.replica >= 0) {
    ++states_[static_cast<size_t>(choice.replica)].attempts;
  }
  return choice;
}

void ReplicaPool::Release(int replica) {
  const absl::MutexLock lock(&mutex_);
  State& state = states_[static_cast<size_t>(replica)];
  --state.attempts;
  state.failures = 0;
  // The room of the stream that has ended is free.
  if (std::exchange(state.full, false)) state.ready = absl::InfinitePast();
}

void ReplicaPool::Release(int replica, const AttemptResult& broken) {
  const auto delay = RetryDelayOf(broken.status);
  const absl::MutexLock lock(&mutex_);
  State& state = states_[static_cast<size_t>(replica)];
  --state.attempts;
  if (broken.progress) state.failures = 0;
  const absl::Duration pause = backoff_.Pause(state.failures++);
  state.ready = absl::Now() + (delay.has_value() ? PauseOf(*delay) : pause);
  state.full = broken.full;
}

}  // namespace weightinit
