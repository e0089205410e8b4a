// The messages of InitializeTensor.

#ifndef WEIGHTINIT_SERVER_TENSOR_MESSAGE_SOURCE_H_
#define WEIGHTINIT_SERVER_TENSOR_MESSAGE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/stream/buffer_pool.h"
#include "server/stream/message_source.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {

// One header, the chunks of a tensor in order, one trailer.
class TensorMessageSource final : public MessageSource {
 public:
  TensorMessageSource(TensorReader reader, std::shared_ptr<BufferPool> buffers);

  Effort next_effort() const override;
  StreamMessage Next() override;
  int64_t MaxBytesHeld(int messages) const override;

 private:
  enum class Part { kHeader, kChunk, kTrailer, kEnd };

  Part next_part() const;
  grpc::ByteBuffer NextChunk();

  const std::shared_ptr<BufferPool> buffers_;
  TensorReader reader_;
  const size_t chunk_bytes_;  // Of a full chunk.
  bool header_made_ = false;
  bool trailer_made_ = false;
  DeliveryTotals totals_;  // Of the chunks made.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_TENSOR_MESSAGE_SOURCE_H_
