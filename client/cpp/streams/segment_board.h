// How several workers share a delivery.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_SEGMENT_BOARD_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_SEGMENT_BOARD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

// Bytes [begin, end) of a delivery.
struct Segment {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t bytes() const { return end - begin; }
  bool empty() const { return begin >= end; }
};

struct SegmentBoardOptions {
  int64_t bytes = 0;  // Of the delivery.
  int workers = 1;
  // A segment is divided only while both halves have at least this many bytes.
  int64_t min_bytes = int64_t{4} << 20;
  // For so long a worker may do nothing before another one takes all of its
  // segment over; twice as long after each time that this has happened to a
  // segment.
  absl::Duration patience = absl::Seconds(1);
};

// Gives each worker a segment, which it delivers from front to back. A worker
// that is done takes over the second half of the segment that has most left; of
// a worker that stands still, all of it. So no byte is delivered twice, and a
// slow worker ends up with little. Thread-safe.
class SegmentBoard {
 public:
  // `align` gives the last place at or before the given one where a segment may
  // begin.
  SegmentBoard(const SegmentBoardOptions& options,
               std::function<int64_t(int64_t)> align);

  // Whether `worker` has something to deliver, once it has a segment of which
  // something is left. Waits while what is left may still have to be taken
  // over. False: every byte is claimed, or Fail was called.
  bool Acquire(int worker) ABSL_LOCKS_EXCLUDED(mutex_);

  // What is left of the worker's segment.
  Segment Rest(int worker) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Says that the worker delivers the next bytes of its segment now: as many as
  // the returned number, at most `bytes`; fewer where the segment ends.
  int64_t Claim(int worker, int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // `interrupt` is called once, with the board locked, as soon as nothing is
  // left of the worker's segment because another one has taken it over, or
  // after Fail. False: that is so already, and it is not called.
  bool SetInterrupt(int worker, std::function<void()> interrupt)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void ClearInterrupt(int worker) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits. False, and early: nothing is left for the worker to do.
  bool Pause(int worker, absl::Duration duration) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all work; the first error is kept.
  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Bytes claimed by all workers.
  int64_t claimed() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Worker {
    Segment rest;
    absl::Time last_claim;
    absl::Duration patience;
    std::function<void()> interrupt;
  };

  bool HasWork(const Worker& worker) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return status_.ok() && !worker.rest.empty();
  }
  // Gives `worker` what it can take over. Otherwise says, in `*wait`, when to
  // ask again.
  bool TakeOver(Worker& worker, absl::Duration* wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Interrupt(Worker& worker);

  const int64_t min_bytes_;
  const std::function<int64_t(int64_t)> align_;
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::vector<Worker> workers_ ABSL_GUARDED_BY(mutex_);
  int64_t claimed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_SEGMENT_BOARD_H_
