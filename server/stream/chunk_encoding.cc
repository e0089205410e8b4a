#include "server/stream/chunk_encoding.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "proto/cpp/chunk_fields.h"

namespace weightinit {
namespace {

// A few bytes on the stack, appended to at the end.
class SmallWriter {
 public:
  void Byte(uint8_t byte) { bytes_[size_++] = byte; }

  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      Byte(static_cast<uint8_t>(value | 0x80));
    }
    Byte(static_cast<uint8_t>(value));
  }

  void Fixed32(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      Byte(static_cast<uint8_t>(value >> shift));
    }
  }

  void Append(const SmallWriter& other) {
    for (size_t i = 0; i < other.size_; ++i) Byte(other.bytes_[i]);
  }

  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return size_; }

 private:
  // Two tags and two varints of ten bytes, a tag and a fixed32, a tag and
  // another varint of ten bytes.
  std::array<uint8_t, 40> bytes_;
  size_t size_ = 0;
};

}  // namespace

grpc::ByteBuffer EncodeChunk(int64_t first_element, uint32_t crc32,
                             std::unique_ptr<BufferPool::Buffer> buffer,
                             size_t bytes) {
  SmallWriter chunk;
  // proto3 leaves out fields that are zero.
  if (first_element != 0) {
    chunk.Byte(kChunkFirstElementTag);
    chunk.Varint(static_cast<uint64_t>(first_element));
  }
  if (crc32 != 0) {
    chunk.Byte(kChunkCrc32Tag);
    chunk.Fixed32(crc32);
  }
  chunk.Byte(kChunkDataTag);
  chunk.Varint(bytes);

  SmallWriter prefix;
  prefix.Byte(kChunkTag);
  prefix.Varint(chunk.size() + bytes);
  prefix.Append(chunk);

  uint8_t* const data = buffer->data();
  const std::array<grpc::Slice, 2> slices = {
      grpc::Slice(prefix.data(), prefix.size()),
      grpc::Slice(
          data, bytes,
          [](void* lent) { delete static_cast<BufferPool::Buffer*>(lent); },
          buffer.release())};
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace weightinit
