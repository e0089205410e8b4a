// One stream of one replica, from where a delivery stands.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_STREAM_CALLS_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_STREAM_CALLS_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/model_consumer.h"
#include "client/cpp/fetch/tensor_consumer.h"
#include "client/cpp/streams/replica.h"
#include "grpcpp/client_context.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// The rest of the tensor that `request` asks for.
AttemptResult FetchStream(const Replica& replica, grpc::ClientContext& context,
                          v1::InitializeTensorRequest request,
                          ChunkDestination& destination,
                          TensorDelivery& delivery);

// The rest of the model that `request` asks for.
AttemptResult FetchModelStream(const Replica& replica,
                               grpc::ClientContext& context,
                               const v1::InitializeModelRequest& request,
                               ModelSink& sink, ModelDelivery& delivery);

// The description of a model on its way to the caller, through however many
// streams.
struct ModelVisit {
  // Called first, once, if set.
  std::function<absl::Status(const v1::ModelSummary&)> on_summary;
  std::function<absl::Status(const v1::ModelTensor&)> on_tensor;
  v1::ModelSummary summary;
  bool has_summary = false;
  int64_t next_tensor = 0;  // Those before it have been visited.
};

// The rest of the description that `request` asks for.
AttemptResult DescribeModelStream(const Replica& replica,
                                  grpc::ClientContext& context,
                                  v1::DescribeModelRequest request,
                                  ModelVisit& visit);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_STREAM_CALLS_H_
