// Where the chunks of a stream go.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_CHUNK_DESTINATION_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_CHUNK_DESTINATION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/chunk_decoder.h"
#include "weightinit/client/tensor_sink.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

// Takes verified descriptions and chunks. A chunk comes in two steps, so that
// its checksum is computed while its data is copied, and yet nothing is
// delivered that fails the check. Not thread-safe.
class ChunkDestination {
 public:
  virtual ~ChunkDestination() = default;

  // First, once.
  virtual absl::Status OnHeader(const v1::TensorDescription& description) = 0;

  // The CRC-32 of a chunk's data, which is now ready to be delivered. REQUIRES:
  // all chunks together hold no more than described.
  virtual uint32_t Prepare(const ReceivedChunk& chunk) = 0;

  // The chunk prepared last is what it should be. REQUIRES: its memory is still
  // valid.
  virtual absl::Status Deliver() = 0;
};

// Fills the front of a buffer of the caller's. Data that is prepared and not
// delivered is overwritten by the next.
class BufferDestination final : public ChunkDestination {
 public:
  // `delivery_bytes`: of the whole delivery, where the tensor is one of many.
  explicit BufferDestination(absl::Span<uint8_t> buffer,
                             int64_t delivery_bytes = 0)
      : rest_(buffer), delivery_bytes_(delivery_bytes) {}

  // INVALID_ARGUMENT: the buffer is too small.
  absl::Status OnHeader(const v1::TensorDescription& description) override;
  uint32_t Prepare(const ReceivedChunk& chunk) override;
  absl::Status Deliver() override;

 private:
  // Behind what has been delivered.
  absl::Span<uint8_t> rest_;
  const int64_t delivery_bytes_;
  size_t prepared_ = 0;
  bool past_caches_ = false;
};

// Hands each chunk to a sink of the caller's, in one piece: the one that gRPC
// received, or if there are several, a copy.
class SinkDestination final : public ChunkDestination {
 public:
  // `sink` has to outlive the destination.
  explicit SinkDestination(TensorSink& sink) : sink_(sink) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override;
  uint32_t Prepare(const ReceivedChunk& chunk) override;
  absl::Status Deliver() override;

 private:
  TensorSink& sink_;
  std::vector<uint8_t> joined_;
  absl::Span<const uint8_t> prepared_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_CHUNK_DESTINATION_H_
