#include "client/cpp/streams/parallel_streams.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/fetch/threads.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/replica_pool.h"
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
      int fruitless = 0;
      int64_t claimed_before = board_.claimed();
      while (!board_.Rest(worker).empty() && board_.status().ok()) {
        const AttemptResult result = Attempt(worker);
        if (!result.broken) continue;
        // The stream that it has none to spare for may be one of these.
        if (absl::IsResourceExhausted(result.status) && streaming_ > 0) {
          continue;
        }
        const int64_t claimed = board_.claimed();
        // A replica that answers somebody is a reason to go on.
        fruitless = claimed > claimed_before ? 0 : fruitless + 1;
        claimed_before = claimed;
        if (fruitless >= options_.max_attempts_without_progress) {
          board_.Fail(absl::Status(result.status.code(),
                                   absl::StrCat("gave up after ", fruitless,
                                                " attempts without progress: ",
                                                result.status.message())));
        }
      }
    }
  }

  int resumed() const { return resumed_; }

 private:
  // One stream, of the replica that is best now. Not broken: it did what it
  // should, or nothing is left to do for this worker.
  AttemptResult Attempt(int worker) {
    const ReplicaPool::Choice choice = pool_.Choose(worker);
    if (choice.replica < 0) {
      if (absl::Now() + choice.pause >= options_.deadline) {
        board_.Fail(absl::DeadlineExceededError("timeout reached"));
      }
      board_.Pause(worker, choice.pause);
      return {};
    }
    grpc::ClientContext context;
    if (options_.deadline != absl::InfiniteFuture()) {
      context.set_deadline(absl::ToChronoTime(options_.deadline));
    }
    AttemptResult result;
    if (board_.SetInterrupt(worker, [&context] { context.TryCancel(); })) {
      ++streaming_;
      result = streams_.Stream(replicas_[static_cast<size_t>(choice.replica)],
                               context, board_.Rest(worker), worker, board_);
      --streaming_;
      board_.ClearInterrupt(worker);
    }
    const bool over = board_.Rest(worker).empty() || !board_.status().ok();
    // A server that has no stream to spare now may have one later.
    result.broken = result.broken || absl::IsResourceExhausted(result.status);
    pool_.Release(choice.replica, result.broken && !over);
    // Once nothing is left to do, how the stream ended is of no interest: it
    // was cancelled, or broke behind its last chunk.
    if (over && (result.broken || absl::IsCancelled(result.status))) return {};
    if (result.broken) {
      if (result.progress) ++resumed_;
    } else if (!result.status.ok()) {
      board_.Fail(result.status);
    }
    return result;
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
