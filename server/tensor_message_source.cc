#include "server/tensor_message_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "grpcpp/support/byte_buffer.h"
#include "proto/cpp/crc32.h"
#include "server/convert.h"
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

TensorMessageSource::TensorMessageSource(TensorReader reader,
                                         std::shared_ptr<BufferPool> buffers)
    : buffers_(std::move(buffers)),
      reader_(std::move(reader)),
      chunk_bytes_(ChunkBytes(reader_.plan())) {}

TensorMessageSource::Part TensorMessageSource::next_part() const {
  if (!header_made_) return Part::kHeader;
  if (reader_.remaining() > 0) return Part::kChunk;
  return trailer_made_ ? Part::kEnd : Part::kTrailer;
}

MessageSource::Effort TensorMessageSource::next_effort() const {
  switch (next_part()) {
    case Part::kHeader:
    case Part::kTrailer:
      return Effort::kQuick;
    case Part::kChunk: {
      const TensorPlan& plan = reader_.plan();
      const bool quick = chunk_bytes_ <= kSmallBytes &&
                         static_cast<size_t>(plan.bytes) == chunk_bytes_ &&
                         reader_.cost().slice_is_cheaper;
      return quick ? Effort::kQuick : Effort::kSlow;
    }
    case Part::kEnd:
      break;
  }
  return Effort::kNone;
}

StreamMessage TensorMessageSource::Next() {
  // Braces: the chunk is counted before totals_ is read.
  switch (next_part()) {
    case Part::kHeader:
      header_made_ = true;
      return {SerializeHeader(reader_.plan()), totals_};
    case Part::kChunk:
      return {NextChunk(), totals_};
    case Part::kTrailer:
      trailer_made_ = true;
      return {SerializeTrailer(totals_.elements, totals_.bytes, totals_.crc32),
              totals_};
    case Part::kEnd:
      break;
  }
  return {};
}

int64_t TensorMessageSource::MaxBytesHeld(int messages) const {
  const size_t buffer =
      chunk_bytes_ > 0 ? BufferPool::CapacityFor(chunk_bytes_) : 0;
  return messages * static_cast<int64_t>(buffer) + reader_.cost().bytes_held;
}

grpc::ByteBuffer TensorMessageSource::NextChunk() {
  const int64_t first_element = reader_.position();
  auto buffer = buffers_->Take(chunk_bytes_);
  const int64_t elements =
      reader_.Read(absl::MakeSpan(buffer->data(), chunk_bytes_));
  const int64_t bytes = elements * DtypeBytes(reader_.plan().dtype);
  const uint32_t crc32 = ExtendCrc32(
      0, absl::MakeConstSpan(buffer->data(), static_cast<size_t>(bytes)));
  totals_.crc32 = ConcatCrc32(totals_.crc32, crc32, bytes);
  totals_.elements += elements;
  totals_.bytes += bytes;
  return EncodeChunk(first_element, crc32, std::move(buffer),
                     static_cast<size_t>(bytes));
}

}  // namespace weightinit
