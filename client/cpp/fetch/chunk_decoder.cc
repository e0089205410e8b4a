#include "client/cpp/fetch/chunk_decoder.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "proto/cpp/chunk_fields.h"

namespace weightinit {
namespace {

// Longer varints exist, and parsers disagree on what the longest mean. The
// lengths reach 256 MiB, far above what gRPC lets through.
constexpr int kMaxLengthBytes = 4;
constexpr int kMaxNumberBytes = 9;

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

std::optional<ReceivedChunk> DecodeChunk(uint8_t chunk_tag, Pieces& pieces) {
  PieceReader reader(pieces);
  uint8_t tag = 0;
  uint64_t value = 0;
  if (!reader.Byte(tag) || tag != chunk_tag ||
      !reader.Varint(kMaxLengthBytes, value) || value != reader.rest()) {
    return std::nullopt;
  }
  ReceivedChunk chunk;
  while (reader.Byte(tag)) {
    switch (tag) {
      case kChunkFirstElementTag:
        if (!reader.Varint(kMaxNumberBytes, value)) return std::nullopt;
        chunk.first_element = static_cast<int64_t>(value);
        break;
      case kChunkCrc32Tag:
        if (!reader.Fixed32(chunk.crc32)) return std::nullopt;
        break;
      case kChunkDataTag:
        if (!reader.Varint(kMaxLengthBytes, value) || value != reader.rest()) {
          return std::nullopt;
        }
        reader.RemoveReadFrom(pieces);
        chunk.bytes = static_cast<int64_t>(value);
        chunk.pieces = pieces;
        return chunk;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace weightinit
