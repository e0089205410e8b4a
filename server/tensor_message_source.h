// The messages of InitializeTensor.

#ifndef WEIGHTINIT_SERVER_TENSOR_MESSAGE_SOURCE_H_
#define WEIGHTINIT_SERVER_TENSOR_MESSAGE_SOURCE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/message_source.h"
#include "server/tensor_chunks.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {

// One header, the chunks of a tensor in order, one trailer.
class TensorMessageSource final : public MessageSource {
 public:
  TensorMessageSource(TensorReader reader, std::shared_ptr<BufferPool> buffers);

  Effort next_effort() const override;
  bool Prepare() override { return chunks_.Prepare(); }
  absl::StatusOr<StreamMessage> Next() override;
  int64_t MaxBytesHeld(int messages) const override;
  int64_t elements() const override;
  void LimitChunks(int64_t bytes) override;

 private:
  TensorChunks chunks_;
  bool header_made_ = false;
  bool trailer_made_ = false;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_TENSOR_MESSAGE_SOURCE_H_
