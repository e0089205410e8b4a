// From the bytes of a message to a part of the stream.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_RESPONSE_DECODER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_RESPONSE_DECODER_H_

#include "client/cpp/fetch/chunk_decoder.h"
#include "grpcpp/support/byte_buffer.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Decodes serialized v1::InitializeTensorResponses, one after the other, as the
// generated code does, but leaves the data of a chunk in the memory of the
// message. That holds for the form that encoders give a chunk: alone in its
// message, and its data at the end. Whatever else is valid is left to the
// generated code, which copies. Not thread-safe.
class ResponseDecoder {
 public:
  // Whether `message` is valid; if not, nothing is set. What the accessors give
  // refers to `message`, and lasts until the message or the decoder changes.
  bool Decode(grpc::ByteBuffer& message);

  v1::InitializeTensorResponse::PartCase part_case() const {
    return part_case_;
  }

  // REQUIRES: this is the part that is set.
  const v1::TensorHeader& header() const { return response_.header(); }
  const ReceivedChunk& chunk() const { return chunk_; }
  const v1::TensorTrailer& trailer() const { return response_.trailer(); }

 private:
  // The message, then the data of its chunk.
  Pieces pieces_;
  v1::InitializeTensorResponse::PartCase part_case_ =
      v1::InitializeTensorResponse::PART_NOT_SET;
  ReceivedChunk chunk_;
  // What the generated code has parsed.
  v1::InitializeTensorResponse response_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_RESPONSE_DECODER_H_
