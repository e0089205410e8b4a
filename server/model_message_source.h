// The messages of InitializeModel and DescribeModel.

#ifndef WEIGHTINIT_SERVER_MODEL_MESSAGE_SOURCE_H_
#define WEIGHTINIT_SERVER_MODEL_MESSAGE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/message_source.h"
#include "server/tensor_chunks.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"

namespace weightinit {

// Resolves a model. It takes up to a second and is done on a generator thread,
// when the first message is made.
using ModelPlanner =
    std::function<absl::StatusOr<std::shared_ptr<const ModelPlan>>()>;

// A summary; for each tensor its header, chunks and trailer; a trailer of all.
class ModelMessageSource final : public MessageSource {
 public:
  // `request_bytes` is the size of the request that the planner holds.
  ModelMessageSource(ModelPlanner planner, int64_t request_bytes,
                     std::shared_ptr<BufferPool> buffers);

  Effort next_effort() const override;
  bool Prepare() override {
    return part_ != Part::kChunk || chunks_->Prepare();
  }
  absl::StatusOr<StreamMessage> Next() override;
  int64_t MaxBytesHeld(int messages) const override;
  void LimitChunks(int64_t bytes) override { max_chunk_bytes_ = bytes; }

 private:
  enum class Part { kSummary, kHeader, kChunk, kTrailer, kModelTrailer, kEnd };

  absl::StatusOr<StreamMessage> Summary();
  StreamMessage Header();
  grpc::ByteBuffer Trailer();
  // Goes on to the next tensor, or to the end.
  void NextTensor();
  DeliveryTotals totals() const;

  ModelPlanner planner_;  // Until the summary is made.
  const int64_t request_bytes_;
  const std::shared_ptr<BufferPool> buffers_;
  int64_t max_chunk_bytes_ = kMaxChunkBytes;
  Part part_ = Part::kSummary;  // Of the next message.
  std::optional<ModelTensors> tensors_;
  std::optional<ModelTensor> tensor_;   // Whose header is next.
  std::optional<TensorChunks> chunks_;  // Of the tensor that is open.
  // That the source of any tensor so far may hold, or of most tensors.
  int64_t source_bytes_held_ = kDefaultMaxBytesHeld;
  int64_t tensors_opened_ = 0;
  DeliveryTotals closed_;  // Of the tensors before it.
};

// A summary, and the tensors in order, many to a message.
class ModelDescriptionSource final : public MessageSource {
 public:
  ModelDescriptionSource(ModelPlanner planner, int64_t request_bytes);

  Effort next_effort() const override;
  absl::StatusOr<StreamMessage> Next() override;
  int64_t MaxBytesHeld(int messages) const override;

 private:
  ModelPlanner planner_;  // Until the summary is made.
  const int64_t request_bytes_;
  std::optional<ModelTensors> tensors_;
  std::optional<ModelTensor> tensor_;  // The first of the next message.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_MODEL_MESSAGE_SOURCE_H_
