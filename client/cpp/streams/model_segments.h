// A model in segments, from several streams.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_MODEL_SEGMENTS_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_MODEL_SEGMENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/streams/parallel_streams.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/segment_board.h"
#include "grpcpp/client_context.h"
#include "proto/cpp/coverage.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// First learns, by OnSummary and OnTensor, what the model is; then Stream may
// be called by several threads. Segments are of the model's bytes as the
// request selects them, in order.
class ModelSegments final : public SegmentStreams {
 public:
  // Both have to outlive this.
  ModelSegments(const v1::InitializeModelRequest& request, ModelSink& sink)
      : request_(request), sink_(sink) {}

  // The description of what `request` asks for, in order.
  absl::Status OnSummary(const v1::ModelSummary& summary);
  absl::Status OnTensor(const v1::ModelTensor& tensor);

  int64_t bytes() const { return bytes_; }
  // The last place at or before this one where a segment may begin: between
  // elements.
  int64_t Align(int64_t place) const;

  AttemptResult Stream(const Replica& replica, grpc::ClientContext& context,
                       Segment segment, int worker,
                       SegmentBoard& board) override;

  // Once all segments are delivered.
  ModelFetchResult Finish() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Pieces;

  // A tensor that has elements to deliver.
  struct Tensor {
    int64_t index = 0;
    int64_t byte_offset = 0;  // In the model.
    int64_t begin = 0;        // In the delivery.
    int64_t elements = 0;     // Of the delivery.
    int64_t element_bytes = 0;
    uint32_t crc32 = 0;  // Once it is complete.

    int64_t bytes() const { return elements * element_bytes; }
    int64_t end() const { return begin + bytes(); }
  };

  // A tensor of which something is still to come.
  struct OpenTensor {
    size_t place = 0;           // In tensors_.
    v1::ModelTensor described;  // As if it came in one piece.
    Coverage coverage;
  };

  // The one that the byte at `place` of the delivery belongs to.
  size_t TensorAt(int64_t place) const;
  v1::InitializeModelRequest RequestFor(Segment segment) const;
  // A stream's description of a tensor.
  absl::Status Open(const v1::ModelTensor& tensor,
                    std::shared_ptr<OpenTensor>* open)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Delivered(OpenTensor& open, int64_t offset, int64_t bytes,
                         uint32_t crc32) ABSL_LOCKS_EXCLUDED(mutex_);

  const v1::InitializeModelRequest& request_;
  ModelSink& sink_;
  v1::ModelSummary summary_;
  int64_t bytes_ = 0;
  int64_t tensors_without_elements_ = 0;
  absl::Mutex mutex_;
  // In order; only crc32 changes once streams are under way, and that by
  // Delivered.
  std::vector<Tensor> tensors_;
  // By place in tensors_.
  std::map<size_t, std::shared_ptr<OpenTensor>> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_MODEL_SEGMENTS_H_
