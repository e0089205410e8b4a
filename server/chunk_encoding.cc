#include "server/chunk_encoding.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

// Wire types of the protocol buffer encoding.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kLengthDelimited = 2;
constexpr uint32_t kFixed32 = 5;

// A field's number and wire type as they stand on the wire; all of ours fit
// into one byte.
constexpr uint8_t Tag(int field, uint32_t wire_type) {
  return static_cast<uint8_t>(static_cast<uint32_t>(field) << 3 | wire_type);
}

constexpr uint8_t kPartTag =
    Tag(v1::InitializeTensorResponse::kChunkFieldNumber, kLengthDelimited);
constexpr uint8_t kFirstElementTag =
    Tag(v1::TensorChunk::kFirstElementFieldNumber, kVarint);
constexpr uint8_t kCrc32Tag = Tag(v1::TensorChunk::kCrc32FieldNumber, kFixed32);
constexpr uint8_t kDataTag =
    Tag(v1::TensorChunk::kDataFieldNumber, kLengthDelimited);
static_assert(v1::TensorChunk::kDataFieldNumber < 16 &&
              v1::InitializeTensorResponse::kChunkFieldNumber < 16);

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
    chunk.Byte(kFirstElementTag);
    chunk.Varint(static_cast<uint64_t>(first_element));
  }
  if (crc32 != 0) {
    chunk.Byte(kCrc32Tag);
    chunk.Fixed32(crc32);
  }
  chunk.Byte(kDataTag);
  chunk.Varint(bytes);

  SmallWriter prefix;
  prefix.Byte(kPartTag);
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
