// The wire form of a chunk, field by field: the server encodes it by hand and
// the client decodes it by hand, so that neither copies the data.

#ifndef WEIGHTINIT_PROTO_CPP_CHUNK_FIELDS_H_
#define WEIGHTINIT_PROTO_CPP_CHUNK_FIELDS_H_

#include <cstdint>

#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Wire types of the protocol buffer encoding.
enum class WireType : uint32_t {
  kVarint = 0,
  kLengthDelimited = 2,
  kFixed32 = 5,
};

// A field's number and wire type as they stand on the wire. REQUIRES: number <
// 16, so that they fit into one byte.
constexpr uint8_t WireTag(int number, WireType type) {
  return static_cast<uint8_t>(static_cast<uint32_t>(number) << 3 |
                              static_cast<uint32_t>(type));
}

// The chunk in its response, then the fields of a chunk.
inline constexpr uint8_t kChunkTag =
    WireTag(v1::InitializeTensorResponse::kChunkFieldNumber,
            WireType::kLengthDelimited);
inline constexpr uint8_t kChunkFirstElementTag =
    WireTag(v1::TensorChunk::kFirstElementFieldNumber, WireType::kVarint);
inline constexpr uint8_t kChunkCrc32Tag =
    WireTag(v1::TensorChunk::kCrc32FieldNumber, WireType::kFixed32);
inline constexpr uint8_t kChunkDataTag =
    WireTag(v1::TensorChunk::kDataFieldNumber, WireType::kLengthDelimited);
static_assert(v1::TensorChunk::kDataFieldNumber < 16 &&
              v1::InitializeTensorResponse::kChunkFieldNumber < 16);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_CHUNK_FIELDS_H_
