#include "client/cpp/fetch/model_consumer.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/cpp/fetch/chunk_decoder.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "google/protobuf/util/message_differencer.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "proto/cpp/chunk_fields.h"
#include "proto/cpp/crc32.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using google::protobuf::util::MessageDifferencer;

absl::Status Corrupt(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("verification failed: ", what));
}

}  // namespace

bool SameModel(const v1::ModelSummary& first, const v1::ModelSummary& other) {
  MessageDifferencer differencer;
  differencer.IgnoreField(v1::ModelSummary::descriptor()->FindFieldByNumber(
      v1::ModelSummary::kAdvisoriesFieldNumber));
  return differencer.Compare(first, other);
}

v1::InitializeModelRequest RestOf(const v1::InitializeModelRequest& request,
                                  const ModelDelivery& delivery) {
  v1::InitializeModelRequest rest = request;
  if (delivery.next_tensor > request.first_tensor()) {
    rest.set_first_tensor(delivery.next_tensor);
    rest.set_first_element(0);
    if (request.has_tensor_count()) {
      rest.set_tensor_count(request.tensor_count() -
                            (delivery.next_tensor - request.first_tensor()));
      rest.clear_element_count();
    }
  }
  if (delivery.open.has_value()) {
    rest.set_first_element(rest.first_element() + delivery.open_elements);
    if (rest.has_element_count()) {
      rest.set_element_count(rest.element_count() - delivery.open_elements);
    }
  }
  return rest;
}

ModelConsumer::ModelConsumer(const v1::InitializeModelRequest& request,
                             ModelSink& sink, ModelDelivery& delivery)
    : request_(request),
      sink_(sink),
      delivery_(delivery),
      pieces_(sink, delivery),
      sink_destination_(pieces_),
      next_tensor_(request.first_tensor()) {}

absl::Status ModelConsumer::OnMessage(grpc::ByteBuffer& message) {
  if (has_trailer_) return Corrupt("a message after the model's trailer");
  weightinit::Pieces pieces;
  GetPieces(message, pieces);
  if (const auto chunk = DecodeChunk(kChunkTag, pieces)) {
    return OnChunk(*chunk);
  }
  v1::InitializeModelResponse response;
  grpc::ProtoBufferReader reader(&message);
  if (!response.ParseFromZeroCopyStream(&reader)) {
    return Corrupt("a response that cannot be parsed");
  }
  switch (response.part_case()) {
    case v1::InitializeModelResponse::kSummary:
      return OnSummary(response.summary());
    case v1::InitializeModelResponse::kTensor:
      return OnTensor(response.tensor());
    case v1::InitializeModelResponse::kChunk: {
      const std::string& data = response.chunk().data();
      pieces.clear();
      if (!data.empty()) {
        pieces.emplace_back(reinterpret_cast<const uint8_t*>(data.data()),
                            data.size());
      }
      return OnChunk({response.chunk().first_element(),
                      response.chunk().crc32(),
                      static_cast<int64_t>(data.size()), pieces});
    }
    case v1::InitializeModelResponse::kTrailer:
      return OnTrailer(response.trailer());
    case v1::InitializeModelResponse::kModelTrailer:
      return OnModelTrailer(response.model_trailer());
    case v1::InitializeModelResponse::PART_NOT_SET:
      break;
  }
  return Corrupt("a response with no part set");
}

absl::Status ModelConsumer::OnSummary(const v1::ModelSummary& summary) {
  if (has_summary_) return Corrupt("a second summary");
  has_summary_ = true;
  if (summary.seed_name() != request_.seed_name() ||
      (request_.seed_name().empty() && summary.seed() != request_.seed())) {
    return Corrupt("the summary has another seed than the one requested");
  }
  if (delivery_.has_summary) {
    ++delivery_.result.resumed;
    if (SameModel(delivery_.result.summary, summary)) return absl::OkStatus();
    return Corrupt("the resumed stream describes another model");
  }
  delivery_.has_summary = true;
  delivery_.result.summary = summary;
  return sink_.OnSummary(summary);
}

absl::Status ModelConsumer::OnTensor(const v1::ModelTensor& tensor) {
  if (!has_summary_) return Corrupt("a tensor before the summary");
  if (verifier_.has_value()) return Corrupt("a tensor in another one");
  if (tensor.index() < next_tensor_) {
    return Corrupt(absl::StrCat("tensor ", tensor.index(),
                                " came, expected was one from ", next_tensor_,
                                " on"));
  }
  next_tensor_ = tensor.index() + 1;
  if (!tensor.alias_of().empty()) {
    delivery_.next_tensor = next_tensor_;
    return sink_.OnTensor(tensor);
  }
  ++tensors_;
  const v1::TensorDescription& description = tensor.description();
  tensor_request_.Clear();
  tensor_request_.mutable_tensor()->set_name(description.name());
  *tensor_request_.mutable_tensor()->mutable_shape() = description.shape();
  *tensor_request_.mutable_slice() = description.slice();
  tensor_request_.set_seed(delivery_.result.summary.seed());
  if (tensor.index() == request_.first_tensor()) {
    tensor_request_.set_first_element(request_.first_element());
    if (request_.has_element_count()) {
      tensor_request_.set_element_count(request_.element_count());
    }
  }
  verifier_.emplace(tensor_request_);
  if (absl::Status status = verifier_->OnHeader(description); !status.ok()) {
    return status;
  }
  if (delivery_.open.has_value()) {
    if (tensor.index() != delivery_.open->index()) {
      return Corrupt("the resumed stream begins with another tensor");
    }
    if (absl::Status status =
            VerifyResumedDescription(delivery_.open->description(), description,
                                     delivery_.open_elements);
        !status.ok()) {
      return status;
    }
    return ChooseDestination(description);
  }
  delivery_.next_tensor = tensor.index();
  delivery_.open = tensor;
  if (absl::Status status = sink_.OnTensor(tensor); !status.ok()) {
    return status;
  }
  return ChooseDestination(description);
}

absl::Status ModelConsumer::ChooseDestination(
    const v1::TensorDescription& description) {
  memory_ = sink_.MemoryFor(*delivery_.open);
  memory_destination_.reset();
  if (memory_.empty()) return absl::OkStatus();
  memory_destination_.emplace(
      memory_.subspan(static_cast<size_t>(delivery_.open_bytes)),
      delivery_.result.summary.bytes());
  return memory_destination_->OnHeader(description);
}

absl::Status ModelConsumer::OnChunk(const ReceivedChunk& chunk) {
  if (!verifier_.has_value()) return Corrupt("a chunk outside of a tensor");
  if (absl::Status status = verifier_->OnChunk(chunk); !status.ok()) {
    return status;
  }
  ChunkDestination& destination =
      memory_destination_.has_value()
          ? static_cast<ChunkDestination&>(*memory_destination_)
          : sink_destination_;
  const uint32_t crc32 = destination.Prepare(chunk);
  if (absl::Status status = verifier_->OnChunkData(chunk, crc32);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = destination.Deliver(); !status.ok()) {
    return status;
  }
  if (memory_destination_.has_value()) {
    const auto data = memory_.subspan(static_cast<size_t>(delivery_.open_bytes),
                                      static_cast<size_t>(chunk.bytes));
    if (absl::Status status =
            sink_.OnPiece(*delivery_.open, delivery_.open_bytes, data);
        !status.ok()) {
      return status;
    }
  }
  const v1::TensorDescription& description = delivery_.open->description();
  delivery_.open_elements +=
      chunk.bytes / (description.bytes() / description.elements());
  delivery_.open_bytes += chunk.bytes;
  delivery_.open_crc32 = ConcatCrc32(delivery_.open_crc32, crc32, chunk.bytes);
  ModelFetchResult& result = delivery_.result;
  result.crc32 = ConcatCrc32(result.crc32, crc32, chunk.bytes);
  result.bytes += chunk.bytes;
  crc32_ = ConcatCrc32(crc32_, crc32, chunk.bytes);
  bytes_ += chunk.bytes;
  return absl::OkStatus();
}

absl::Status ModelConsumer::OnTrailer(const v1::TensorTrailer& trailer) {
  if (!verifier_.has_value()) return Corrupt("a trailer outside of a tensor");
  if (absl::Status status = verifier_->OnTrailer(trailer); !status.ok()) {
    return status;
  }
  verifier_.reset();
  ++delivery_.result.tensors;
  absl::Status status =
      sink_.OnTensorEnd(*delivery_.open, delivery_.open_crc32);
  delivery_.open.reset();
  delivery_.open_elements = 0;
  delivery_.open_bytes = 0;
  delivery_.open_crc32 = 0;
  delivery_.next_tensor = next_tensor_;
  return status;
}

absl::Status ModelConsumer::OnModelTrailer(const v1::ModelTrailer& trailer) {
  if (verifier_.has_value()) return Corrupt("the model's trailer in a tensor");
  if (!has_summary_) return Corrupt("the model's trailer before its summary");
  if (trailer.tensors() != tensors_ || trailer.bytes() != bytes_ ||
      trailer.crc32() != crc32_) {
    return Corrupt(absl::StrCat(
        "the model's trailer counts ", trailer.tensors(), " tensors and ",
        trailer.bytes(), " bytes, received were ", tensors_, " and ", bytes_,
        trailer.crc32() != crc32_ ? "; the CRC-32 differs" : ""));
  }
  has_trailer_ = true;
  return absl::OkStatus();
}

absl::Status ModelConsumer::OnEnd() {
  if (has_trailer_) return absl::OkStatus();
  return Corrupt("the stream ended without the model's trailer");
}

}  // namespace weightinit
