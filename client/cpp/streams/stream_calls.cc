#include "client/cpp/streams/stream_calls.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/message_stream_reader.h"
#include "client/cpp/fetch/model_consumer.h"
#include "client/cpp/fetch/tensor_consumer.h"
#include "client/cpp/streams/replica.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

constexpr char kInitializeTensor[] =
    "/weightinit.v1.WeightInitService/InitializeTensor";
constexpr char kInitializeModel[] =
    "/weightinit.v1.WeightInitService/InitializeModel";
constexpr char kDescribeModel[] =
    "/weightinit.v1.WeightInitService/DescribeModel";

// By the consumer, which another attempt does not mend.
AttemptResult Ended(const absl::Status& status) {
  AttemptResult result;
  result.status = status;
  return result;
}

AttemptResult ResultOf(const StreamEnd& end, const Replica& replica,
                       const grpc::ClientContext& context) {
  return weightinit::ResultOf(
      end.stalled ? StalledStatus(replica.stall_timeout) : end.server, context);
}

absl::Status OnSummary(v1::ModelSummary& summary, ModelVisit& visit) {
  if (visit.has_summary) {
    if (summary.fingerprint() == visit.summary.fingerprint()) {
      return absl::OkStatus();
    }
    return absl::DataLossError(
        "verification failed: the resumed stream describes another model");
  }
  visit.has_summary = true;
  visit.summary = std::move(summary);
  return visit.on_summary ? visit.on_summary(visit.summary) : absl::OkStatus();
}

absl::Status OnResponse(v1::DescribeModelResponse& response,
                        ModelVisit& visit) {
  if (response.has_summary()) {
    return OnSummary(*response.mutable_summary(), visit);
  }
  for (const v1::ModelTensor& tensor : response.tensors().tensors()) {
    if (absl::Status status = visit.on_tensor(tensor); !status.ok()) {
      return status;
    }
    visit.next_tensor = tensor.index() + 1;
  }
  return absl::OkStatus();
}

class DescriptionConsumer final : public MessageConsumer {
 public:
  explicit DescriptionConsumer(ModelVisit& visit) : visit_(visit) {}

  absl::Status OnMessage(grpc::ByteBuffer& message) override {
    grpc::ProtoBufferReader reader(&message);
    if (!response_.ParseFromZeroCopyStream(&reader)) {
      return absl::DataLossError(
          "verification failed: a message cannot be parsed");
    }
    return OnResponse(response_, visit_);
  }

  absl::Status OnEnd() override { return absl::OkStatus(); }

 private:
  ModelVisit& visit_;
  v1::DescribeModelResponse response_;
};

}  // namespace

AttemptResult FetchStream(const Replica& replica, grpc::ClientContext& context,
                          v1::InitializeTensorRequest request,
                          ChunkDestination& destination,
                          TensorDelivery& delivery) {
  const int64_t elements_before = delivery.result.elements;
  request.set_first_element(request.first_element() + elements_before);
  if (request.has_element_count()) {
    request.set_element_count(request.element_count() - elements_before);
  }
  TensorConsumer consumer(request, destination, delivery);
  const grpc::Slice wire(request.SerializeAsString());
  const StreamEnd end = ReadMessages(*replica.generic_stub, kInitializeTensor,
                                     grpc::ByteBuffer(&wire, 1), context,
                                     consumer, replica.stall_timeout);
  consumer.CloseStream();
  if (!end.consumer.ok()) return Ended(end.consumer);
  AttemptResult result = ResultOf(end, replica, context);
  result.progress = delivery.result.elements > elements_before;
  return result;
}

AttemptResult FetchModelStream(const Replica& replica,
                               grpc::ClientContext& context,
                               const v1::InitializeModelRequest& request,
                               ModelSink& sink, ModelDelivery& delivery) {
  const int64_t bytes_before = delivery.result.bytes;
  const int64_t tensors_before = delivery.next_tensor;
  const v1::InitializeModelRequest rest = RestOf(request, delivery);
  ModelConsumer consumer(rest, sink, delivery);
  const grpc::Slice wire(rest.SerializeAsString());
  const StreamEnd end = ReadMessages(*replica.generic_stub, kInitializeModel,
                                     grpc::ByteBuffer(&wire, 1), context,
                                     consumer, replica.stall_timeout);
  if (!end.consumer.ok()) return Ended(end.consumer);
  AttemptResult result = ResultOf(end, replica, context);
  result.progress = delivery.result.bytes > bytes_before ||
                    delivery.next_tensor > tensors_before;
  return result;
}

AttemptResult DescribeModelStream(const Replica& replica,
                                  grpc::ClientContext& context,
                                  v1::DescribeModelRequest request,
                                  ModelVisit& visit) {
  const int64_t tensors_before = visit.next_tensor;
  if (tensors_before > request.first_tensor()) {
    if (request.has_tensor_count()) {
      request.set_tensor_count(request.tensor_count() -
                               (tensors_before - request.first_tensor()));
    }
    request.set_first_tensor(tensors_before);
    request.clear_first_element();
    request.clear_element_count();
  }
  DescriptionConsumer consumer(visit);
  const grpc::Slice wire(request.SerializeAsString());
  const StreamEnd end = ReadMessages(*replica.generic_stub, kDescribeModel,
                                     grpc::ByteBuffer(&wire, 1), context,
                                     consumer, replica.stall_timeout);
  if (!end.consumer.ok()) return Ended(end.consumer);
  AttemptResult result = ResultOf(end, replica, context);
  result.progress = visit.next_tensor > tensors_before;
  return result;
}

}  // namespace weightinit
