#include "client/cpp/fetch/tensor_consumer.h"

#include <cstdint>

#include "absl/status/status.h"
#include "grpcpp/support/byte_buffer.h"
#include "proto/cpp/crc32.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

absl::Status TensorConsumer::OnMessage(grpc::ByteBuffer& message) {
  if (!decoder_.Decode(message)) {
    return absl::DataLossError(
        "verification failed: a response that cannot be parsed");
  }
  switch (decoder_.part_case()) {
    case v1::InitializeTensorResponse::kHeader:
      return OnHeader(decoder_.header().description());
    case v1::InitializeTensorResponse::kChunk:
      return OnChunk(decoder_.chunk());
    case v1::InitializeTensorResponse::kTrailer:
      return verifier_.OnTrailer(decoder_.trailer());
    case v1::InitializeTensorResponse::PART_NOT_SET:
      break;
  }
  return absl::DataLossError(
      "verification failed: a response with no part set");
}

absl::Status TensorConsumer::OnHeader(
    const v1::TensorDescription& description) {
  if (absl::Status status = verifier_.OnHeader(description); !status.ok()) {
    return status;
  }
  FetchResult& result = delivery_.result;
  if (delivery_.has_description) {
    ++result.resumed;
    return VerifyResumedDescription(result.description, description,
                                    result.elements);
  }
  result.description = description;
  delivery_.has_description = true;
  return destination_.OnHeader(description);
}

absl::Status TensorConsumer::OnChunk(const ReceivedChunk& chunk) {
  if (absl::Status status = verifier_.OnChunk(chunk); !status.ok()) {
    return status;
  }
  const uint32_t crc32 = destination_.Prepare(chunk);
  if (absl::Status status = verifier_.OnChunkData(chunk, crc32); !status.ok()) {
    return status;
  }
  if (absl::Status status = destination_.Deliver(); !status.ok()) {
    return status;
  }
  FetchResult& result = delivery_.result;
  const int64_t element_bytes =
      result.description.bytes() / result.description.elements();
  result.elements += chunk.bytes / element_bytes;
  result.bytes += chunk.bytes;
  return absl::OkStatus();
}

void TensorConsumer::CloseStream() {
  delivery_.result.crc32 =
      ConcatCrc32(delivery_.result.crc32, verifier_.crc32(), verifier_.bytes());
}

}  // namespace weightinit
