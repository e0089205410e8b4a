// Ends streams that take too long.

#ifndef WEIGHTINIT_SERVER_STREAM_STREAM_WATCH_H_
#define WEIGHTINIT_SERVER_STREAM_STREAM_WATCH_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/stream/ticker.h"

namespace weightinit {

// How long the server has patience with a stream.
struct StreamPatience {
  // For one message, until the transport has taken it: a client that does not
  // read holds its place and its memory no longer than this.
  absl::Duration write_stall = absl::Seconds(60);
  // For the whole stream.
  absl::Duration life = absl::InfiniteDuration();
};

// Looks at every stream again and again. Thread-safe; outlives its streams.
class StreamWatch {
 public:
  class Stream {
   public:
    // Ends itself if it has taken too long; returns for how long the transport
    // has been taking its present message, 0 if there is none. It must not come
    // back to the watch before it returns.
    virtual absl::Duration Look(absl::Time now,
                                const StreamPatience& patience) = 0;

   protected:
    ~Stream() = default;
  };

  explicit StreamWatch(const StreamPatience& patience);
  StreamWatch(const StreamWatch&) = delete;
  StreamWatch& operator=(const StreamWatch&) = delete;

  void Add(Stream* stream) ABSL_LOCKS_EXCLUDED(mutex_);
  // When it returns the stream is not looked at any more.
  void Remove(Stream* stream) ABSL_LOCKS_EXCLUDED(mutex_);

  // Streams of which the transport has taken nothing for a second, or for half
  // of the patience with it, if that is less.
  int stalled() const { return stalled_; }

 private:
  void LookAtAll() ABSL_LOCKS_EXCLUDED(mutex_);

  const StreamPatience patience_;
  std::atomic<int> stalled_{0};

  absl::Mutex mutex_;
  absl::flat_hash_set<Stream*> streams_ ABSL_GUARDED_BY(mutex_);

  Ticker ticker_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_STREAM_WATCH_H_
