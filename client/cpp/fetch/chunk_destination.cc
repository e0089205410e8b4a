#include "client/cpp/fetch/chunk_destination.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "client/cpp/fetch/fetch_errors.h"
#include "proto/cpp/crc32.h"

namespace weightinit {
namespace {

// Checksum and copy alternate on blocks of this size, so that the second of
// them finds the block in the first-level cache, and computing one block
// overlaps with writing back the other.
constexpr size_t kBlockBytes = 4096;

// From this size on, the start of a delivery has left the caches by the time
// that its end arrives. Copying it past the caches then costs half as much: no
// line of the buffer is read before it is overwritten.
constexpr int64_t kPastCachesBytes = int64_t{8} << 20;

using Copy = void (*)(uint8_t* to, const uint8_t* from, size_t bytes);

void CopyThroughCaches(uint8_t* to, const uint8_t* from, size_t bytes) {
  std::memcpy(to, from, bytes);
}

#ifdef __SSE2__

constexpr size_t kLineBytes = 64;

// Other threads may see the copy only after FinishCopiesPastCaches().
void CopyPastCaches(uint8_t* to, const uint8_t* from, size_t bytes) {
  const size_t to_next_line =
      -reinterpret_cast<uintptr_t>(to) & (kLineBytes - 1);
  const size_t head = std::min(to_next_line, bytes);
  std::memcpy(to, from, head);
  const size_t lines_end = head + (bytes - head) / kLineBytes * kLineBytes;
  for (size_t at = head; at < lines_end; at += kLineBytes) {
    const auto* source = reinterpret_cast<const __m128i*>(from + at);
    auto* line = reinterpret_cast<__m128i*>(to + at);
    const __m128i a = _mm_loadu_si128(source);
    const __m128i b = _mm_loadu_si128(source + 1);
    const __m128i c = _mm_loadu_si128(source + 2);
    const __m128i d = _mm_loadu_si128(source + 3);
    _mm_stream_si128(line, a);
    _mm_stream_si128(line + 1, b);
    _mm_stream_si128(line + 2, c);
    _mm_stream_si128(line + 3, d);
  }
  std::memcpy(to + lines_end, from + lines_end, bytes - lines_end);
}

void FinishCopiesPastCaches() { _mm_sfence(); }

#else

constexpr Copy CopyPastCaches = CopyThroughCaches;

void FinishCopiesPastCaches() {}

#endif

// Joins the pieces of a chunk at `to`. Returns their CRC-32.
uint32_t CopyData(const ReceivedChunk& chunk, Copy copy, uint8_t* to) {
  uint32_t crc32 = 0;
  for (absl::Span<const uint8_t> piece : chunk.pieces) {
    while (!piece.empty()) {
      const auto block = piece.first(std::min(piece.size(), kBlockBytes));
      crc32 = ExtendCrc32(crc32, block);
      copy(to, block.data(), block.size());
      to += block.size();
      piece.remove_prefix(block.size());
    }
  }
  return crc32;
}

}  // namespace

absl::Status BufferDestination::OnHeader(
    const v1::TensorDescription& description) {
  if (absl::Status status = CheckBuffer(rest_.size(), description);
      !status.ok()) {
    return status;
  }
  past_caches_ =
      std::max(delivery_bytes_, description.bytes()) >= kPastCachesBytes;
  return absl::OkStatus();
}

uint32_t BufferDestination::Prepare(const ReceivedChunk& chunk) {
  prepared_ = static_cast<size_t>(chunk.bytes);
  return CopyData(chunk, past_caches_ ? CopyPastCaches : CopyThroughCaches,
                  rest_.data());
}

absl::Status BufferDestination::Deliver() {
  if (past_caches_) FinishCopiesPastCaches();
  rest_.remove_prefix(prepared_);
  return absl::OkStatus();
}

absl::Status SinkDestination::OnHeader(
    const v1::TensorDescription& description) {
  return sink_.OnHeader(description);
}

uint32_t SinkDestination::Prepare(const ReceivedChunk& chunk) {
  if (chunk.pieces.size() == 1) {
    prepared_ = chunk.pieces.front();
    return ExtendCrc32(0, prepared_);
  }
  const auto bytes = static_cast<size_t>(chunk.bytes);
  if (joined_.size() < bytes) joined_.resize(bytes);
  prepared_ = absl::MakeConstSpan(joined_).first(bytes);
  return CopyData(chunk, CopyThroughCaches, joined_.data());
}

absl::Status SinkDestination::Deliver() { return sink_.OnData(prepared_); }

}  // namespace weightinit
