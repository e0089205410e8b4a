#include "client/cpp/fetch/response_decoder.h"

#include <cstdint>
#include <string>

#include "client/cpp/fetch/chunk_decoder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "proto/cpp/chunk_fields.h"

namespace weightinit {

bool ResponseDecoder::Decode(grpc::ByteBuffer& message) {
  GetPieces(message, pieces_);
  if (const auto chunk = DecodeChunk(kChunkTag, pieces_)) {
    chunk_ = *chunk;
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
