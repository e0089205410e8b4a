// From the messages of InitializeTensor to a verified tensor.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_TENSOR_CONSUMER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_TENSOR_CONSUMER_H_

#include "absl/status/status.h"
#include "client/cpp/fetch/chunk_decoder.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/message_stream_reader.h"
#include "client/cpp/fetch/response_decoder.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "grpcpp/support/byte_buffer.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// A tensor on its way to its destination, through however many streams.
struct TensorDelivery {
  // All that has come is in `result`.
  FetchResult result;
  bool has_description = false;
};

// Verifies the parts that one stream brings, then delivers them. Not
// thread-safe.
class TensorConsumer final : public MessageConsumer {
 public:
  // `request` is that of this stream. All have to outlive the consumer.
  TensorConsumer(const v1::InitializeTensorRequest& request,
                 ChunkDestination& destination, TensorDelivery& delivery)
      : destination_(destination), delivery_(delivery), verifier_(request) {}

  absl::Status OnMessage(grpc::ByteBuffer& message) override;
  absl::Status OnEnd() override { return verifier_.OnEnd(); }

  // Counts what this stream brought into the checksum of the delivery; call it
  // once, when the stream has ended.
  void CloseStream();

 private:
  absl::Status OnHeader(const v1::TensorDescription& description);
  absl::Status OnChunk(const ReceivedChunk& chunk);

  ChunkDestination& destination_;
  TensorDelivery& delivery_;
  ResponseDecoder decoder_;
  TensorVerifier verifier_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_TENSOR_CONSUMER_H_
