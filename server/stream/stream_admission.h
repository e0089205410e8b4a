// How many streams are served at once, what memory they may hold, and when the
// last one has ended.

#ifndef WEIGHTINIT_SERVER_STREAM_STREAM_ADMISSION_H_
#define WEIGHTINIT_SERVER_STREAM_STREAM_ADMISSION_H_

#include <cstdint>
#include <limits>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

// Admits streams up to its limits until it is closed. Thread-safe; outlives its
// tickets.
class StreamAdmission {
 public:
  // The right of one stream to exist. Its destruction says that the stream has
  // ended. Not thread-safe.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    // Counts `bytes` more that the stream may hold until it frees its place.
    // RESOURCE_EXHAUSTED: all streams together would exceed max_bytes; nothing
    // is counted.
    absl::Status HoldBytes(int64_t bytes);

    // Lets another stream in, although this one has still to be ended: a client
    // that has seen the end of its stream may at once begin the next.
    void FreePlace();

   private:
    friend class StreamAdmission;
    explicit Ticket(StreamAdmission* admission) : admission_(admission) {}

    StreamAdmission* admission_;  // Null after a move.
    bool has_place_ = true;
    int64_t bytes_ = 0;
  };

  // At most `max_streams` at once, which may hold `max_bytes` together.
  explicit StreamAdmission(
      int max_streams, int64_t max_bytes = std::numeric_limits<int64_t>::max())
      : max_streams_(max_streams), max_bytes_(max_bytes) {}

  // RESOURCE_EXHAUSTED when all places are taken, UNAVAILABLE after Close.
  absl::StatusOr<Ticket> Admit();

  // Refuses every stream from now on.
  void Close();

  // Waits until every admitted stream has ended; false if `deadline` came
  // first.
  bool WaitUntilIdle(absl::Time deadline);

  int max_streams() const { return max_streams_; }
  // Places taken.
  int active() const;
  // Bytes that the streams with a place may hold.
  int64_t bytes_held() const;

 private:
  const int max_streams_;
  const int64_t max_bytes_;

  mutable absl::Mutex mutex_;
  absl::CondVar idle_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int places_taken_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t bytes_held_ ABSL_GUARDED_BY(mutex_) = 0;
  int tickets_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_STREAM_ADMISSION_H_
