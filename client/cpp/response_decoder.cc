#include "client/cpp/response_decoder.h"

#include <cstddef>
#include <string>

#include "grpcpp/support/proto_buffer_reader.h"

namespace weightinit {
namespace {

using Pieces = std::vector<absl::Span<const uint8_t>>;

// Wire types of the protocol buffer encoding.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kLengthDelimited = 2;
constexpr uint32_t kFixed32 = 5;

// A field's number and wire type as they stand on the wire in one byte.
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

// Longer varints exist, and parsers disagree on what the longest mean. The
// lengths reach 256 MiB, far above what gRPC lets through.
constexpr int kMaxLengthBytes = 4;
constexpr int kMaxNumberBytes = 9;

// The pieces of a message, which stay valid while it lives.
void GetPieces(grpc::ByteBuffer& message, Pieces& pieces) {
  pieces.clear();
  grpc::ProtoBufferReader reader(&message);
  const void* data = nullptr;
  int size = 0;
  while (reader.Next(&data, &size)) {
    if (size == 0) continue;
    pieces.emplace_back(static_cast<const uint8_t*>(data),
                        static_cast<size_t>(size));
  }
}

// Reads from the front of pieces.
class PieceReader {
 public:
  explicit PieceReader(const Pieces& pieces) : pieces_(pieces) {
    for (const auto& piece : pieces) rest_ += piece.size();
  }

  // Bytes not yet read.
  size_t rest() const { return rest_; }

  bool Byte(uint8_t& byte) {
    if (rest_ == 0) return false;
    byte = pieces_[piece_][offset_];
    --rest_;
    if (++offset_ == pieces_[piece_].size()) {
      ++piece_;
      offset_ = 0;
    }
    return true;
  }

  // A varint of at most `max_bytes` bytes.
  bool Varint(int max_bytes, uint64_t& value) {
    value = 0;
    for (int i = 0; i < max_bytes; ++i) {
      uint8_t byte = 0;
      if (!Byte(byte)) return false;
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool Fixed32(uint32_t& value) {
    value = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      uint8_t byte = 0;
      if (!Byte(byte)) return false;
      value |= static_cast<uint32_t>(byte) << shift;
    }
    return true;
  }

  // Removes what was read from `pieces`, which are those of the constructor.
  void RemoveReadFrom(Pieces& pieces) const {
    if (offset_ != 0) pieces[piece_].remove_prefix(offset_);
    pieces.erase(pieces.begin(),
                 pieces.begin() + static_cast<ptrdiff_t>(piece_));
  }

 private:
  const Pieces& pieces_;
  size_t rest_ = 0;
  size_t piece_ = 0;
  size_t offset_ = 0;
};

}  // namespace

bool ResponseDecoder::DecodeChunk() {
  PieceReader reader(pieces_);
  uint8_t tag = 0;
  uint64_t value = 0;
  if (!reader.Byte(tag) || tag != kPartTag ||
      !reader.Varint(kMaxLengthBytes, value) || value != reader.rest()) {
    return false;
  }
  chunk_ = {};
  while (reader.Byte(tag)) {
    switch (tag) {
      case kFirstElementTag:
        if (!reader.Varint(kMaxNumberBytes, value)) return false;
        chunk_.first_element = static_cast<int64_t>(value);
        break;
      case kCrc32Tag:
        if (!reader.Fixed32(chunk_.crc32)) return false;
        break;
      case kDataTag:
        if (!reader.Varint(kMaxLengthBytes, value) || value != reader.rest()) {
          return false;
        }
        reader.RemoveReadFrom(pieces_);
        chunk_.bytes = static_cast<int64_t>(value);
        chunk_.pieces = pieces_;
        return true;
      default:
        return false;
    }
  }
  return false;
}

bool ResponseDecoder::Decode(grpc::ByteBuffer& message) {
  GetPieces(message, pieces_);
  if (DecodeChunk()) {
    part_case_ = v1::InitializeTensorResponse::kChunk;
    return true;
  }
  part_case_ = v1::InitializeTensorResponse::PART_NOT_SET;
  pieces_.clear();
  grpc::ProtoBufferReader reader(&message);
  if (!response_.ParseFromZeroCopyStream(&reader)) return false;
  part_case_ = response_.part_case();
  if (part_case_ == v1::InitializeTensorResponse::kChunk) {
    const v1::TensorChunk& chunk = response_.chunk();
    const std::string& data = chunk.data();
    if (!data.empty()) {
      pieces_.emplace_back(reinterpret_cast<const uint8_t*>(data.data()),
                           data.size());
    }
    chunk_ = {chunk.first_element(), chunk.crc32(),
              static_cast<int64_t>(data.size()), pieces_};
  }
  return true;
}

}  // namespace weightinit
