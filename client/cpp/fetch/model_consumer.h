// From the messages of InitializeModel to verified tensors.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_MODEL_CONSUMER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_MODEL_CONSUMER_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "client/cpp/fetch/chunk_decoder.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/message_stream_reader.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// A model on its way to its sink, through however many streams.
struct ModelDelivery {
  // All that has come is in `result`.
  ModelFetchResult result;
  bool has_summary = false;
  // The tensors before it are complete.
  int64_t next_tensor = 0;
  // The tensor next_tensor, if some of it may have come.
  std::optional<v1::ModelTensor> open;
  int64_t open_elements = 0;
  int64_t open_bytes = 0;
  uint32_t open_crc32 = 0;
};

// The request for what `delivery` still lacks of `request`.
v1::InitializeModelRequest RestOf(const v1::InitializeModelRequest& request,
                                  const ModelDelivery& delivery);

// Whether two summaries are of the same model. Advice is worded by the server,
// whose version may differ.
bool SameModel(const v1::ModelSummary& first, const v1::ModelSummary& other);

// Verifies the parts that one stream brings, then delivers them. Not
// thread-safe.
class ModelConsumer final : public MessageConsumer {
 public:
  // `request` is that of this stream. All have to outlive the consumer.
  ModelConsumer(const v1::InitializeModelRequest& request, ModelSink& sink,
                ModelDelivery& delivery);

  absl::Status OnMessage(grpc::ByteBuffer& message) override;
  absl::Status OnEnd() override;

 private:
  // Hands the pieces of the open tensor to the sink.
  class Pieces final : public TensorSink {
   public:
    Pieces(ModelSink& sink, const ModelDelivery& delivery)
        : sink_(sink), delivery_(delivery) {}
    absl::Status OnData(absl::Span<const uint8_t> data) override {
      return sink_.OnPiece(*delivery_.open, delivery_.open_bytes, data);
    }

   private:
    ModelSink& sink_;
    const ModelDelivery& delivery_;
  };

  absl::Status OnSummary(const v1::ModelSummary& summary);
  absl::Status OnTensor(const v1::ModelTensor& tensor);
  absl::Status OnChunk(const ReceivedChunk& chunk);
  // Where the chunks of the open tensor go.
  absl::Status ChooseDestination(const v1::TensorDescription& description);
  absl::Status OnTrailer(const v1::TensorTrailer& trailer);
  absl::Status OnModelTrailer(const v1::ModelTrailer& trailer);

  const v1::InitializeModelRequest& request_;
  ModelSink& sink_;
  ModelDelivery& delivery_;
  Pieces pieces_;
  SinkDestination sink_destination_;
  // Of the open tensor, if the sink has memory for it.
  absl::Span<uint8_t> memory_;
  std::optional<BufferDestination> memory_destination_;
  bool has_summary_ = false;
  bool has_trailer_ = false;
  // Of this stream.
  int64_t tensors_ = 0;
  int64_t bytes_ = 0;
  uint32_t crc32_ = 0;
  int64_t next_tensor_;
  // The open tensor as a request for itself, and what checks its parts.
  v1::InitializeTensorRequest tensor_request_;
  std::optional<TensorVerifier> verifier_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_MODEL_CONSUMER_H_
