#include "client/cpp/streams/replica_pool.h"

#include <algorithm>
#include <cstddef>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/streams/replica.h"

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

void ReplicaPool::Release(int replica, bool failed) {
  const absl::MutexLock lock(&mutex_);
  State& state = states_[static_cast<size_t>(replica)];
  --state.attempts;
  if (failed) {
    state.ready = absl::Now() + backoff_.Pause(state.failures++);
  } else {
    state.failures = 0;
  }
}

}  // namespace weightinit
