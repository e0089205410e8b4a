#include "server/model_message_source.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "proto/cpp/crc32.h"
#include "server/convert.h"
#include "server/stream/message_source.h"
#include "server/tensor_chunks.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

// A request as the core holds it, in bytes for each byte on the wire, at most:
// the shortest entry has 7 bytes there and takes about 600 here.
constexpr int64_t kRequestGrowth = 96;

// Tensors are added to a message of a description up to this size, so that it
// stays far below the 4 MiB that clients accept, whatever the last one has.
constexpr int64_t kDescriptionBytes = 64 << 10;

// Makes the plan, and frees what the planner holds.
absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanOnce(
    ModelPlanner& planner) {
  auto plan = planner();
  planner = nullptr;
  return plan;
}

std::unique_ptr<CallModel> CallModelOf(const ModelSummary& summary) {
  auto model = std::make_unique<CallModel>();
  model->name = summary.name;
  model->tensors = summary.tensors;
  model->seed = {summary.seed, summary.seed_name};
  model->fingerprint = absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(summary.fingerprint.data()),
      summary.fingerprint.size()));
  return model;
}

}  // namespace

ModelMessageSource::ModelMessageSource(ModelPlanner planner,
                                       int64_t request_bytes,
                                       std::shared_ptr<BufferPool> buffers)
    : planner_(std::move(planner)),
      request_bytes_(request_bytes),
      buffers_(std::move(buffers)) {}

MessageSource::Effort ModelMessageSource::next_effort() const {
  switch (part_) {
    case Part::kSummary:
      return Effort::kSlow;
    case Part::kHeader:
    case Part::kTrailer:
    case Part::kModelTrailer:
      return Effort::kQuick;
    case Part::kChunk:
      return chunks_->next_effort();
    case Part::kEnd:
      break;
  }
  return Effort::kNone;
}

absl::StatusOr<StreamMessage> ModelMessageSource::Next() {
  switch (part_) {
    case Part::kSummary:
      return Summary();
    case Part::kHeader:
      return Header();
    case Part::kChunk: {
      const grpc::ByteBuffer chunk = chunks_->Next();
      if (chunks_->next_effort() == Effort::kNone) part_ = Part::kTrailer;
      return StreamMessage(chunk, totals());
    }
    case Part::kTrailer:
      return StreamMessage(Trailer(), totals());
    case Part::kModelTrailer:
      part_ = Part::kEnd;
      return StreamMessage(
          SerializeModelTrailer(tensors_opened_, closed_.bytes, closed_.crc32),
          totals());
    case Part::kEnd:
      break;
  }
  return StreamMessage();
}

int64_t ModelMessageSource::MaxBytesHeld(int messages) const {
  // Which tensors there are, and how large, is not known yet. The header of one
  // that takes more says so.
  return int64_t{messages} * max_chunk_bytes_ +
         request_bytes_ * kRequestGrowth + source_bytes_held_;
}

absl::StatusOr<StreamMessage> ModelMessageSource::Summary() {
  auto plan = PlanOnce(planner_);
  if (!plan.ok()) return plan.status();
  StreamMessage message(SerializeModelSummary((*plan)->summary()), totals());
  message.model = CallModelOf((*plan)->summary());
  tensors_.emplace(*std::move(plan));
  NextTensor();
  return message;
}

StreamMessage ModelMessageSource::Header() {
  StreamMessage header(SerializeModelTensor(*tensor_), totals());
  if (!tensor_->alias_of.empty()) {
    NextTensor();
    return header;
  }
  ++tensors_opened_;
  chunks_.emplace(TensorReader(std::move(tensor_->plan)), buffers_);
  chunks_->LimitChunks(max_chunk_bytes_);
  const int64_t source_bytes = chunks_->MaxBytesHeld(0);
  if (source_bytes > source_bytes_held_) {
    header.more_bytes_held = source_bytes - source_bytes_held_;
    source_bytes_held_ = source_bytes;
  }
  part_ =
      chunks_->next_effort() == Effort::kNone ? Part::kTrailer : Part::kChunk;
  return header;
}

grpc::ByteBuffer ModelMessageSource::Trailer() {
  const DeliveryTotals of_tensor = chunks_->totals();
  closed_ = totals();
  chunks_.reset();
  NextTensor();
  return SerializeTensorTrailer(of_tensor.elements, of_tensor.bytes,
                                of_tensor.crc32);
}

void ModelMessageSource::NextTensor() {
  tensor_ = tensors_->Next();
  part_ = tensor_.has_value() ? Part::kHeader : Part::kModelTrailer;
}

DeliveryTotals ModelMessageSource::totals() const {
  DeliveryTotals totals = closed_;
  if (!chunks_.has_value()) return totals;
  const DeliveryTotals& open = chunks_->totals();
  totals.elements += open.elements;
  totals.bytes += open.bytes;
  totals.crc32 = ConcatCrc32(totals.crc32, open.crc32, open.bytes);
  return totals;
}

ModelDescriptionSource::ModelDescriptionSource(ModelPlanner planner,
                                               int64_t request_bytes)
    : planner_(std::move(planner)), request_bytes_(request_bytes) {}

MessageSource::Effort ModelDescriptionSource::next_effort() const {
  const bool more = planner_ != nullptr || tensor_.has_value();
  return more ? Effort::kSlow : Effort::kNone;
}

absl::StatusOr<StreamMessage> ModelDescriptionSource::Next() {
  if (planner_ != nullptr) {
    auto plan = PlanOnce(planner_);
    if (!plan.ok()) return plan.status();
    StreamMessage message(SerializeDescribedSummary((*plan)->summary()), {});
    message.model = CallModelOf((*plan)->summary());
    tensors_.emplace(*std::move(plan));
    tensor_ = tensors_->Next();
    return message;
  }
  DescribedTensors described;
  do {
    described.Add(*tensor_);
    tensor_ = tensors_->Next();
  } while (tensor_.has_value() && described.bytes() < kDescriptionBytes);
  return StreamMessage(described.Serialize(), {});
}

int64_t ModelDescriptionSource::MaxBytesHeld(int messages) const {
  return int64_t{messages} * 2 * kDescriptionBytes +
         request_bytes_ * kRequestGrowth;
}

}  // namespace weightinit
