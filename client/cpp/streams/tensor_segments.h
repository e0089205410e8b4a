// A tensor in segments, from several streams.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_TENSOR_SEGMENTS_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_TENSOR_SEGMENTS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/streams/parallel_streams.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/segment_board.h"
#include "grpcpp/client_context.h"
#include "proto/cpp/coverage.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/tensor_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Segments are of the bytes that the request asks for.
class TensorSegments final : public SegmentStreams {
 public:
  // `description` is that of what `request` asks for, and has elements. All
  // have to outlive this.
  TensorSegments(const v1::InitializeTensorRequest& request,
                 const v1::TensorDescription& description, PieceSink& sink);

  int64_t bytes() const { return description_.bytes(); }
  // The last place at or before this one that is between two elements.
  int64_t Align(int64_t place) const { return place - place % element_bytes_; }

  AttemptResult Stream(const Replica& replica, grpc::ClientContext& context,
                       Segment segment, int worker,
                       SegmentBoard& board) override;

  // Once all segments are delivered.
  FetchResult Finish() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Pieces;

  const v1::InitializeTensorRequest& request_;
  const v1::TensorDescription& description_;
  PieceSink& sink_;
  const int64_t element_bytes_;
  absl::Mutex mutex_;
  Coverage coverage_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_TENSOR_SEGMENTS_H_
