// Which of several equal servers a worker asks next.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_POOL_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_POOL_H_

#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/streams/replica.h"

namespace weightinit {

// Spreads workers over replicas, and leaves those alone for a while that have
// failed. Thread-safe.
class ReplicaPool {
 public:
  ReplicaPool(int replicas, const Backoff& backoff);

  struct Choice {
    int replica = -1;      // Or none, and then:
    absl::Duration pause;  // how long until one may be tried again.
  };

  // The replica with the fewest attempts under way; of equals, each worker has
  // another preference. Ends with Release.
  Choice Choose(int worker) ABSL_LOCKS_EXCLUDED(mutex_);

  // The attempt has ended well, or through no fault of the replica.
  void Release(int replica) ABSL_LOCKS_EXCLUDED(mutex_);
  // The attempt was broken. A replica that said how long it wants to be left
  // alone is left alone so long.
  void Release(int replica, const AttemptResult& broken)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct State {
    int attempts = 0;  // Under way.
    int failures = 0;  // In a row.
    bool full = false;
    absl::Time ready = absl::InfinitePast();
  };

  const Backoff backoff_;
  absl::Mutex mutex_;
  std::vector<State> states_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_POOL_H_
