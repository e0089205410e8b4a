#include "client/cpp/streams/parallel_streams.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/fetch/threads.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/replica_pool.h"
#include "client/cpp/streams/retry_limits.h"
#include "client/cpp/streams/segment_board.h"
#include "grpcpp/client_context.h"

namespace weightinit {
namespace {

class Delivery {
 public:
  Delivery(const std::vector<Replica>& replicas, const ParallelOptions& options,
           SegmentStreams& streams, SegmentBoard& board)
      : replicas_(replicas),
        options_(options),
        streams_(streams),
        board_(board),
        pool_(static_cast<int>(replicas.size()), options.backoff) {}

  // What one thread does.
  void Work(int worker) {
    while (board_.Acquire(worker)) {
      RetryLimits limits(options_.retry);
      int64_t claimed_before = board_.claimed();
      while (!board_.Rest(worker).empty() && board_.status().ok()) {
        Attempt(worker, limits, claimed_before);
      }
    }
  }

  int resumed() const { return resumed_; }

 private:
  // One stream, of the replica that is best now; or a pause, if none is.
  void Attempt(int worker, RetryLimits& limits, int64_t& claimed_before) {
    const ReplicaPool::Choice choice = pool_.Choose(worker);
    if (choice.replica < 0) {
      // What others receive meanwhile is a reason to go on.
      NoteProgress(limits, claimed_before);
      Fail(limits.MayWaitUntil(absl::Now() + choice.pause));
      board_.Pause(worker, choice.pause);
      return;
    }
    grpc::ClientContext context;
    if (options_.retry.deadline != absl::InfiniteFuture()) {
      context.set_deadline(absl::ToChronoTime(options_.retry.deadline));
    }
    const Replica& replica = replicas_[static_cast<size_t>(choice.replica)];
    replica.Authorize(context);
    AttemptResult result;
    if (board_.SetInterrupt(worker, [&context] { context.TryCancel(); })) {
      ++streaming_;
      result = streams_.Stream(replica, context, board_.Rest(worker), worker,
                               board_);
      --streaming_;
      board_.ClearInterrupt(worker);
    }
    const bool over = board_.Rest(worker).empty() || !board_.status().ok();
    if (!result.broken || over) {
      pool_.Release(choice.replica);
      // Once nothing is left to do, how the stream ended is of no interest: it
      // was cancelled, or broke behind its last chunk.
      if (over && (result.broken || absl::IsCancelled(result.status))) return;
      Fail(result.status);
      return;
    }
    pool_.Release(choice.replica, result);
    if (result.progress) ++resumed_;
    if (NoteProgress(limits, claimed_before)) result.progress = true;
    // The stream that it has no room beside may be one of these.
    if (result.full && streaming_ > 0) return;
    Fail(limits.Failed(choice.replica, result));
  }

  // Whether there was some.
  bool NoteProgress(RetryLimits& limits, int64_t& claimed_before) {
    const int64_t claimed = board_.claimed();
    const bool progress = claimed > claimed_before;
    claimed_before = claimed;
    if (progress) limits.Progress();
    return progress;
  }

  void Fail(const absl::Status& status) {
    if (!status.ok()) board_.Fail(status);
  }

  const std::vector<Replica>& replicas_;
  const ParallelOptions& options_;
  SegmentStreams& streams_;
  SegmentBoard& board_;
  ReplicaPool pool_;
  std::atomic<int> resumed_{0};
  std::atomic<int> streaming_{0};  // Streams under way.
};

}  // namespace

absl::Status DeliverInParallel(const std::vector<Replica>& replicas,
                               const ParallelOptions& options,
                               SegmentStreams& streams, SegmentBoard& board,
                               int* resumed) {
  Delivery delivery(replicas, options, streams, board);
  std::atomic<int> next_worker{0};
  // The segment of a worker that gets no thread is taken over by the others.
  OnThreads(options.workers, [&] { delivery.Work(next_worker++); });
  *resumed = delivery.resumed();
  return board.status();
}

}  // namespace weightinit
