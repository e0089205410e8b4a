// A delivery by several streams at once.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_PARALLEL_STREAMS_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_PARALLEL_STREAMS_H_

#include <vector>

#include "absl/status/status.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/retry_limits.h"
#include "client/cpp/streams/segment_board.h"
#include "grpcpp/client_context.h"

namespace weightinit {

// Something that can be delivered in segments. Thread-safe.
class SegmentStreams {
 public:
  virtual ~SegmentStreams() = default;

  // Delivers `segment`, or the front of it, by one stream; claims each piece
  // from `board` before, for `worker`, and stops where it gets no more. An
  // error of the sink goes to board.Fail.
  virtual AttemptResult Stream(const Replica& replica,
                               grpc::ClientContext& context, Segment segment,
                               int worker, SegmentBoard& board) = 0;
};

struct ParallelOptions {
  int workers = 1;
  RetryOptions retry;  // Of each worker.
  Backoff backoff;
};

// Delivers all of `board`, which has as many workers as the options say. Calls
// `streams` on threads of its own. `*resumed` counts the streams that broke and
// were continued by another.
absl::Status DeliverInParallel(const std::vector<Replica>& replicas,
                               const ParallelOptions& options,
                               SegmentStreams& streams, SegmentBoard& board,
                               int* resumed);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_PARALLEL_STREAMS_H_
