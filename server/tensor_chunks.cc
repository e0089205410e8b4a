#include "server/tensor_chunks.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "grpcpp/support/byte_buffer.h"
#include "proto/cpp/crc32.h"
#include "server/stream/chunk_encoding.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// A delivery smaller than a chunk gets a buffer of its own size.
size_t ChunkBytes(const TensorPlan& plan) {
  return static_cast<size_t>(
      std::min(plan.chunk_elements * DtypeBytes(plan.dtype), plan.bytes));
}

// A delivery of one chunk up to this size is computed at once, in less time
// than it takes to wake a generator thread.
constexpr size_t kSmallBytes = 16384;

}  // namespace

TensorChunks::TensorChunks(TensorReader reader,
                           std::shared_ptr<BufferPool> buffers)
    : buffers_(std::move(buffers)),
      reader_(std::move(reader)),
      chunk_bytes_(ChunkBytes(reader_.plan())) {}

MessageSource::Effort TensorChunks::next_effort() const {
  if (reader_.remaining() == 0) return MessageSource::Effort::kNone;
  const bool quick = chunk_bytes_ <= kSmallBytes &&
                     static_cast<size_t>(plan().bytes) == chunk_bytes_ &&
                     reader_.cost().slice_is_cheaper;
  return quick ? MessageSource::Effort::kQuick : MessageSource::Effort::kSlow;
}

bool TensorChunks::Prepare() {
  return reader_.Prepare(static_cast<int64_t>(chunk_bytes_) /
                         DtypeBytes(plan().dtype));
}

grpc::ByteBuffer TensorChunks::Next() {
  const int64_t first_element = reader_.position();
  auto buffer = buffers_->Take(chunk_bytes_);
  const int64_t elements =
      reader_.Read(absl::MakeSpan(buffer->data(), chunk_bytes_));
  const int64_t bytes = elements * DtypeBytes(plan().dtype);
  const uint32_t crc32 = ExtendCrc32(
      0, absl::MakeConstSpan(buffer->data(), static_cast<size_t>(bytes)));
  totals_.crc32 = ConcatCrc32(totals_.crc32, crc32, bytes);
  totals_.elements += elements;
  totals_.bytes += bytes;
  return EncodeChunk(first_element, crc32, std::move(buffer),
                     static_cast<size_t>(bytes));
}

int64_t TensorChunks::MaxBytesHeld(int messages) const {
  const size_t buffer =
      chunk_bytes_ > 0 ? BufferPool::CapacityFor(chunk_bytes_) : 0;
  return messages * static_cast<int64_t>(buffer) + reader_.cost().bytes_held;
}

void TensorChunks::LimitChunks(int64_t bytes) {
  const int64_t elements = bytes / DtypeBytes(plan().dtype);
  chunk_bytes_ = std::min(
      chunk_bytes_, static_cast<size_t>(elements * DtypeBytes(plan().dtype)));
}

}  // namespace weightinit
