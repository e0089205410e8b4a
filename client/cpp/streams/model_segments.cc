#include "client/cpp/streams/model_segments.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/model_consumer.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "client/cpp/streams/parallel_streams.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/segment_board.h"
#include "client/cpp/streams/stream_calls.h"
#include "grpcpp/client_context.h"
#include "proto/cpp/crc32.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Takes what one stream brings, as far as the board allows.
class ModelSegments::Pieces final : public ModelSink {
 public:
  Pieces(ModelSegments& model, Segment segment, int worker, SegmentBoard& board)
      : model_(model), next_(segment.begin), worker_(worker), board_(board) {}

  absl::Status OnSummary(const v1::ModelSummary& summary) override {
    if (SameModel(model_.summary_, summary)) return absl::OkStatus();
    return absl::DataLossError(
        "verification failed: the servers describe different models");
  }

  absl::Status OnTensor(const v1::ModelTensor& tensor) override {
    if (!tensor.alias_of().empty()) return absl::OkStatus();
    if (tensor.description().bytes() == 0) return absl::OkStatus();
    return model_.Open(tensor, &open_);
  }

  absl::Status OnPiece(const v1::ModelTensor& /*tensor*/, int64_t /*offset*/,
                       absl::Span<const uint8_t> data) override {
    const int64_t offset = next_ - model_.tensors_[open_->place].begin;
    const auto bytes = static_cast<int64_t>(data.size());
    const int64_t claimed = board_.Claim(worker_, bytes);
    next_ += claimed;
    if (claimed > 0) {
      const auto mine = data.first(static_cast<size_t>(claimed));
      absl::Status status =
          model_.sink_.OnPiece(open_->described, offset, mine);
      if (status.ok()) {
        status =
            model_.Delivered(*open_, offset, claimed, ExtendCrc32(0, mine));
      }
      if (!status.ok()) {
        board_.Fail(status);
        return status;
      }
    }
    if (claimed == bytes) return absl::OkStatus();
    return absl::CancelledError("the rest was taken over");
  }

  int64_t next() const { return next_; }

 private:
  ModelSegments& model_;
  int64_t next_;  // Where the next piece begins in the delivery.
  const int worker_;
  SegmentBoard& board_;
  std::shared_ptr<OpenTensor> open_;
};

absl::Status ModelSegments::OnSummary(const v1::ModelSummary& summary) {
  summary_ = summary;
  return sink_.OnSummary(summary);
}

absl::Status ModelSegments::OnTensor(const v1::ModelTensor& tensor) {
  absl::Status status = sink_.OnTensor(tensor);
  if (!status.ok() || !tensor.alias_of().empty()) return status;
  const v1::TensorDescription& description = tensor.description();
  if (description.elements() <= 0) {
    ++tensors_without_elements_;
    return sink_.OnTensorEnd(tensor, 0);
  }
  tensors_.push_back({tensor.index(), tensor.byte_offset(), bytes_,
                      description.elements(),
                      description.bytes() / description.elements(), 0});
  bytes_ += description.bytes();
  return absl::OkStatus();
}

size_t ModelSegments::TensorAt(int64_t place) const {
  const auto after = std::upper_bound(
      tensors_.begin(), tensors_.end(), place,
      [](int64_t at, const Tensor& tensor) { return at < tensor.begin; });
  return static_cast<size_t>(after - tensors_.begin()) - 1;
}

int64_t ModelSegments::Align(int64_t place) const {
  if (tensors_.empty()) return 0;
  const Tensor& tensor = tensors_[TensorAt(place)];
  return place - (place - tensor.begin) % tensor.element_bytes;
}

v1::InitializeModelRequest ModelSegments::RequestFor(Segment segment) const {
  const Tensor& first = tensors_[TensorAt(segment.begin)];
  const size_t last_place = TensorAt(segment.end - 1);
  v1::InitializeModelRequest request = request_;
  request.set_first_tensor(first.index);
  // The request's first element is that of its first tensor.
  const int64_t before =
      first.index == request_.first_tensor() ? request_.first_element() : 0;
  const int64_t first_element =
      (segment.begin - first.begin) / first.element_bytes;
  request.set_first_element(before + first_element);
  if (segment.end <= first.end()) {
    request.set_tensor_count(1);
    request.set_element_count((segment.end - segment.begin) /
                              first.element_bytes);
    return request;
  }
  // Whole tensors; what the segment has of a last one comes by another stream.
  const bool whole = segment.end == tensors_[last_place].end();
  const Tensor& last = tensors_[whole ? last_place : last_place - 1];
  request.set_tensor_count(last.index - first.index + 1);
  request.clear_element_count();
  return request;
}

absl::Status ModelSegments::Open(const v1::ModelTensor& tensor,
                                 std::shared_ptr<OpenTensor>* open) {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), tensor.index(),
      [](const Tensor& a, int64_t index) { return a.index < index; });
  if (found == tensors_.end() || found->index != tensor.index()) {
    return absl::DataLossError(absl::StrCat(
        "verification failed: tensor ", tensor.index(), " was not described"));
  }
  v1::ModelTensor described = tensor;
  described.set_byte_offset(found->byte_offset);
  described.mutable_description()->set_elements(found->elements);
  described.mutable_description()->set_bytes(found->bytes());
  const auto place = static_cast<size_t>(found - tensors_.begin());
  const absl::MutexLock lock(&mutex_);
  std::shared_ptr<OpenTensor>& known = open_[place];
  if (known != nullptr) {
    *open = known;
    return VerifyResumedDescription(known->described.description(),
                                    described.description(), 0);
  }
  known = std::make_shared<OpenTensor>();
  known->place = place;
  known->described = std::move(described);
  *open = known;
  return absl::OkStatus();
}

absl::Status ModelSegments::Delivered(OpenTensor& open, int64_t offset,
                                      int64_t bytes, uint32_t crc32) {
  const absl::MutexLock lock(&mutex_);
  open.coverage.Add(offset, bytes, crc32);
  Tensor& tensor = tensors_[open.place];
  if (open.coverage.bytes() < tensor.bytes()) return absl::OkStatus();
  tensor.crc32 = open.coverage.crc32();
  open_.erase(open.place);
  return sink_.OnTensorEnd(open.described, tensor.crc32);
}

AttemptResult ModelSegments::Stream(const Replica& replica,
                                    grpc::ClientContext& context,
                                    Segment segment, int worker,
                                    SegmentBoard& board) {
  const v1::InitializeModelRequest request = RequestFor(segment);
  Pieces pieces(*this, segment, worker, board);
  ModelDelivery delivery;
  AttemptResult result =
      FetchModelStream(replica, context, request, pieces, delivery);
  result.progress = pieces.next() > segment.begin;
  return result;
}

ModelFetchResult ModelSegments::Finish() {
  ModelFetchResult result;
  result.summary = summary_;
  result.tensors =
      static_cast<int64_t>(tensors_.size()) + tensors_without_elements_;
  result.bytes = bytes_;
  const absl::MutexLock lock(&mutex_);
  for (const Tensor& tensor : tensors_) {
    result.crc32 = ConcatCrc32(result.crc32, tensor.crc32, tensor.bytes());
  }
  return result;
}

}  // namespace weightinit
