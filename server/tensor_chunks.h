// The chunks of one tensor.

#ifndef WEIGHTINIT_SERVER_TENSOR_CHUNKS_H_
#define WEIGHTINIT_SERVER_TENSOR_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "grpcpp/support/byte_buffer.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/call_observer.h"
#include "server/stream/message_source.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {

// Makes the messages of the chunks of a tensor, in order. Not thread-safe.
class TensorChunks {
 public:
  TensorChunks(TensorReader reader, std::shared_ptr<BufferPool> buffers);

  const TensorPlan& plan() const { return reader_.plan(); }

  // What it takes to make the next chunk; kNone after the last one.
  MessageSource::Effort next_effort() const;
  // As MessageSource::Prepare, for the next chunk.
  bool Prepare();
  // The next chunk. REQUIRES: there is one.
  grpc::ByteBuffer Next();

  // Of the chunks made.
  const DeliveryTotals& totals() const { return totals_; }

  // As MessageSource::MaxBytesHeld.
  int64_t MaxBytesHeld(int messages) const;

  // Makes chunks of at most `bytes` bytes. REQUIRES: at least an element's.
  void LimitChunks(int64_t bytes);

 private:
  const std::shared_ptr<BufferPool> buffers_;
  TensorReader reader_;
  size_t chunk_bytes_;  // Of a full chunk.
  DeliveryTotals totals_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_TENSOR_CHUNKS_H_
