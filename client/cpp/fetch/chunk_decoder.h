// The chunk in a message, without a copy of its data.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_CHUNK_DECODER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_CHUNK_DECODER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "grpcpp/support/byte_buffer.h"

namespace weightinit {

// A v1::TensorChunk whose data still lies where gRPC received it.
struct ReceivedChunk {
  int64_t first_element = 0;
  uint32_t crc32 = 0;
  // Of all pieces.
  int64_t bytes = 0;
  // The data, in order; no piece is empty.
  absl::Span<const absl::Span<const uint8_t>> pieces;
};

// The bytes of a message where gRPC received them; no piece is empty.
using Pieces = std::vector<absl::Span<const uint8_t>>;

// Replaces `pieces` by those of `message`, which stay valid while it lives.
void GetPieces(grpc::ByteBuffer& message, Pieces& pieces);

// The chunk, if a message is one in the form that encoders give it: field
// `chunk_tag` (proto/cpp/chunk_fields.h) alone in its message, and the data at
// its end. `pieces` are then those of the data, and the chunk refers to them.
// Nothing for any other message, valid or not.
std::optional<ReceivedChunk> DecodeChunk(uint8_t chunk_tag, Pieces& pieces);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_CHUNK_DECODER_H_
