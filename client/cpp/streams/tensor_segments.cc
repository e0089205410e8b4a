#include "client/cpp/streams/tensor_segments.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/tensor_consumer.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "client/cpp/streams/parallel_streams.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/segment_board.h"
#include "client/cpp/streams/stream_calls.h"
#include "grpcpp/client_context.h"
#include "proto/cpp/crc32.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/tensor_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Takes what one stream brings, as far as the board allows.
class TensorSegments::Pieces final : public TensorSink {
 public:
  Pieces(TensorSegments& tensor, Segment segment, int worker,
         SegmentBoard& board)
      : tensor_(tensor), next_(segment.begin), worker_(worker), board_(board) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override {
    return VerifyResumedDescription(
        tensor_.description_, description,
        tensor_.description_.elements() - description.elements());
  }

  absl::Status OnData(absl::Span<const uint8_t> data) override {
    const auto bytes = static_cast<int64_t>(data.size());
    const int64_t offset = next_;
    const int64_t claimed = board_.Claim(worker_, bytes);
    next_ += claimed;
    if (claimed > 0) {
      const auto mine = data.first(static_cast<size_t>(claimed));
      if (absl::Status status = tensor_.sink_.OnPiece(offset, mine);
          !status.ok()) {
        board_.Fail(status);
        return status;
      }
      const uint32_t crc32 = ExtendCrc32(0, mine);
      const absl::MutexLock lock(&tensor_.mutex_);
      tensor_.coverage_.Add(offset, claimed, crc32);
    }
    if (claimed == bytes) return absl::OkStatus();
    return absl::CancelledError("the rest was taken over");
  }

  int64_t next() const { return next_; }

 private:
  TensorSegments& tensor_;
  int64_t next_;  // Where the next piece begins.
  const int worker_;
  SegmentBoard& board_;
};

TensorSegments::TensorSegments(const v1::InitializeTensorRequest& request,
                               const v1::TensorDescription& description,
                               PieceSink& sink)
    : request_(request),
      description_(description),
      sink_(sink),
      element_bytes_(description.bytes() / description.elements()) {}

AttemptResult TensorSegments::Stream(const Replica& replica,
                                     grpc::ClientContext& context,
                                     Segment segment, int worker,
                                     SegmentBoard& board) {
  v1::InitializeTensorRequest request = request_;
  request.set_first_element(request_.first_element() +
                            segment.begin / element_bytes_);
  request.set_element_count(segment.bytes() / element_bytes_);
  Pieces pieces(*this, segment, worker, board);
  SinkDestination destination(pieces);
  TensorDelivery delivery;
  AttemptResult result =
      FetchStream(replica, context, request, destination, delivery);
  result.progress = pieces.next() > segment.begin;
  return result;
}

FetchResult TensorSegments::Finish() {
  FetchResult result;
  result.description = description_;
  result.elements = description_.elements();
  result.bytes = description_.bytes();
  const absl::MutexLock lock(&mutex_);
  result.crc32 = coverage_.crc32();
  return result;
}

}  // namespace weightinit
