#include "weightinit/client/weight_client.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/connect.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/fetch_errors.h"
#include "client/cpp/fetch/message_stream_reader.h"
#include "client/cpp/fetch/model_consumer.h"
#include "client/cpp/fetch/piece_adapter.h"
#include "client/cpp/fetch/receive_memory.h"
#include "client/cpp/fetch/tensor_consumer.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/sync_stream.h"
#include "proto/cpp/status_conversion.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using v1::WeightInitService;

constexpr char kInitializeTensor[] =
    "/weightinit.v1.WeightInitService/InitializeTensor";
constexpr char kInitializeModel[] =
    "/weightinit.v1.WeightInitService/InitializeModel";

// One of the equal servers.
struct Replica {
  explicit Replica(std::shared_ptr<grpc::Channel> to)
      : channel(std::move(to)),
        stub(WeightInitService::NewStub(channel)),
        generic_stub(std::make_unique<grpc::GenericStub>(channel)) {}

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<WeightInitService::Stub> stub;
  // For streams, whose messages are decoded here.
  std::unique_ptr<grpc::GenericStub> generic_stub;
};

// How one attempt at a call ended.
struct AttemptResult {
  absl::Status status;
  // Whether another attempt may mend it.
  bool broken = false;
  bool progress = false;
};

// Whether the connection failed, and not the call: UNAVAILABLE, or INTERNAL or
// CANCELLED made up by gRPC itself from an HTTP/2 RST_STREAM. This client never
// cancels a call whose status it then looks at.
bool IsBroken(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::UNAVAILABLE:
      return true;
    case grpc::INTERNAL:
    case grpc::CANCELLED:
      return absl::StrContains(status.error_message(), "RST_STREAM");
    default:
      return false;
  }
}

AttemptResult ResultOf(const grpc::Status& status) {
  return {FromGrpcStatus(status), IsBroken(status), false};
}

// One stream, from where the delivery stands.
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
  const StreamEnd end =
      ReadMessages(*replica.generic_stub, kInitializeTensor,
                   grpc::ByteBuffer(&wire, 1), context, consumer);
  consumer.CloseStream();
  if (!end.consumer.ok()) return {end.consumer, false, false};
  AttemptResult result = ResultOf(end.server);
  result.progress = delivery.result.elements > elements_before;
  return result;
}

// The same for a model.
AttemptResult FetchModelStream(const Replica& replica,
                               grpc::ClientContext& context,
                               const v1::InitializeModelRequest& request,
                               ModelSink& sink, ModelDelivery& delivery) {
  const int64_t bytes_before = delivery.result.bytes;
  const int64_t tensors_before = delivery.next_tensor;
  const v1::InitializeModelRequest rest = RestOf(request, delivery);
  ModelConsumer consumer(rest, sink, delivery);
  const grpc::Slice wire(rest.SerializeAsString());
  const StreamEnd end =
      ReadMessages(*replica.generic_stub, kInitializeModel,
                   grpc::ByteBuffer(&wire, 1), context, consumer);
  if (!end.consumer.ok()) return {end.consumer, false, false};
  AttemptResult result = ResultOf(end.server);
  result.progress = delivery.result.bytes > bytes_before ||
                    delivery.next_tensor > tensors_before;
  return result;
}

// The description of a model on its way to the caller.
struct ModelVisit {
  const std::function<absl::Status(const v1::ModelTensor&)>& visit;
  v1::ModelSummary summary;
  bool has_summary = false;
  int64_t next_tensor = 0;  // Those before it have been visited.
};

// Ends a stream that is not to be read to its end.
void Abandon(grpc::ClientContext& context,
             grpc::ClientReader<v1::DescribeModelResponse>& stream) {
  context.TryCancel();
  static_cast<void>(stream.Finish());
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
  const auto stream = replica.stub->DescribeModel(&context, request);
  v1::DescribeModelResponse response;
  while (stream->Read(&response)) {
    if (response.has_summary() && !visit.has_summary) {
      visit.has_summary = true;
      visit.summary = std::move(*response.mutable_summary());
    } else if (response.has_summary() && response.summary().fingerprint() !=
                                             visit.summary.fingerprint()) {
      Abandon(context, *stream);
      return {absl::DataLossError(
                  "verification failed: the resumed stream describes another "
                  "model"),
              false, false};
    }
    for (const v1::ModelTensor& tensor : response.tensors().tensors()) {
      if (absl::Status status = visit.visit(tensor); !status.ok()) {
        Abandon(context, *stream);
        return {status, false, false};
      }
      visit.next_tensor = tensor.index() + 1;
    }
  }
  AttemptResult result = ResultOf(stream->Finish());
  result.progress = visit.next_tensor > tensors_before;
  return result;
}

class RetryingClient final : public WeightClient {
 public:
  RetryingClient(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                 WeightClientOptions options)
      : options_(std::move(options)) {
    KeepReceiveMemory();
    replicas_.reserve(channels.size());
    for (const auto& channel : channels) replicas_.emplace_back(channel);
  }

  absl::StatusOr<v1::TensorDescription> Describe(
      const v1::DescribeTensorRequest& request) override {
    if (absl::Status status = CheckNames(request); !status.ok()) {
      return status;
    }
    v1::DescribeTensorResponse response;
    absl::Status status =
        Retry([&](const Replica& replica, grpc::ClientContext& context) {
          return ResultOf(
              replica.stub->DescribeTensor(&context, request, &response));
        });
    status.Update(VerifySeed(request.seed(), request.seed_name(),
                             response.description()));
    if (!status.ok()) return status;
    return std::move(*response.mutable_description());
  }

  absl::StatusOr<v1::GetServerInfoResponse> Info() override {
    v1::GetServerInfoResponse response;
    absl::Status status =
        Retry([&](const Replica& replica, grpc::ClientContext& context) {
          return ResultOf(replica.stub->GetServerInfo(
              &context, v1::GetServerInfoRequest(), &response));
        });
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<uint64_t> ResolveSeed(const std::string& seed_name) override {
    if (absl::Status status = CheckNames("", seed_name); !status.ok()) {
      return status;
    }
    v1::ResolveSeedRequest request;
    request.set_seed_name(seed_name);
    v1::ResolveSeedResponse response;
    absl::Status status = Retry([&](const Replica& replica,
                                    grpc::ClientContext& context) {
      return ResultOf(replica.stub->ResolveSeed(&context, request, &response));
    });
    if (!status.ok()) return status;
    if (response.seed_name() != seed_name) {
      return absl::DataLossError(
          "verification failed: the seed is of another name than the one "
          "requested");
    }
    return response.seed();
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    TensorSink& sink) override {
    SinkDestination destination(sink);
    return FetchTo(request, destination);
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    absl::Span<uint8_t> buffer) override {
    BufferDestination destination(buffer);
    return FetchTo(request, destination);
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    PieceSink& sink) override {
    PieceAdapter adapter(sink);
    return Fetch(request, adapter);
  }

  absl::StatusOr<v1::ModelSummary> DescribeModel(
      const v1::DescribeModelRequest& request,
      const std::function<absl::Status(const v1::ModelTensor&)>& visit)
      override {
    ModelVisit visited{visit, {}, false, 0};
    absl::Status status =
        Retry([&](const Replica& replica, grpc::ClientContext& context) {
          return DescribeModelStream(replica, context, request, visited);
        });
    if (!status.ok()) return status;
    return std::move(visited.summary);
  }

  absl::StatusOr<ModelFetchResult> FetchModel(
      const v1::InitializeModelRequest& request, ModelSink& sink) override {
    v1::InitializeModelRequest sized = request;
    if (sized.chunk_bytes() == 0) sized.set_chunk_bytes(options_.chunk_bytes);
    ModelDelivery delivery;
    absl::Status status =
        Retry([&](const Replica& replica, grpc::ClientContext& context) {
          return FetchModelStream(replica, context, sized, sink, delivery);
        });
    if (!status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrCat(
              status.message(),
              delivery.has_summary
                  ? absl::StrCat(" (after ", delivery.result.bytes, " of ",
                                 delivery.result.summary.bytes(), " bytes)")
                  : ""));
    }
    return std::move(delivery.result);
  }

 private:
  absl::StatusOr<FetchResult> FetchTo(
      const v1::InitializeTensorRequest& request,
      ChunkDestination& destination) {
    v1::InitializeTensorRequest sized = request;
    if (sized.chunk_bytes() == 0) sized.set_chunk_bytes(options_.chunk_bytes);
    if (absl::Status status = CheckNames(sized); !status.ok()) {
      return status;
    }
    TensorDelivery delivery;
    absl::Status status =
        Retry([&](const Replica& replica, grpc::ClientContext& context) {
          return FetchStream(replica, context, sized, destination, delivery);
        });
    if (!status.ok()) {
      return AfterElements(status, delivery.result.elements,
                           delivery.result.description.elements());
    }
    return std::move(delivery.result);
  }

  // Calls attempt(replica, context) on one server after the other until it
  // succeeds, fails for good, or fails too often in a row without progress.
  template <typename Attempt>
  absl::Status Retry(Attempt attempt) {
    const absl::Time deadline = absl::Now() + options_.timeout;
    const int servers = static_cast<int>(replicas_.size());
    const int max_fruitless =
        std::max(options_.max_attempts_without_progress, servers);
    int fruitless = 0;
    // Failures since the last progress, the one that ended the progress
    // included.
    int failures = 0;
    size_t current = current_.load(std::memory_order_relaxed);
    for (;;) {
      grpc::ClientContext context;
      if (deadline != absl::InfiniteFuture()) {
        context.set_deadline(absl::ToChronoTime(deadline));
      }
      const AttemptResult result = attempt(replicas_[current], context);
      if (result.status.ok() || !result.broken) return result.status;
      fruitless = result.progress ? 0 : fruitless + 1;
      failures = result.progress ? 1 : failures + 1;
      if (fruitless >= max_fruitless) {
        return absl::Status(result.status.code(),
                            absl::StrCat("gave up after ", fruitless,
                                         " attempts without progress: ",
                                         result.status.message()));
      }
      current = (current + 1) % replicas_.size();
      current_.store(current, std::memory_order_relaxed);
      if (failures % servers == 0) {
        const absl::Duration pause = Backoff(failures / servers - 1);
        if (absl::Now() + pause >= deadline) {
          return absl::DeadlineExceededError(absl::StrCat(
              "timeout of ", absl::FormatDuration(options_.timeout),
              " reached: ", result.status.message()));
        }
        absl::SleepFor(pause);
      }
    }
  }

  absl::Duration Backoff(int round) const {
    const absl::Duration longest = std::min(
        options_.max_backoff, options_.initial_backoff * std::exp2(round));
    // So that clients which failed together do not come back together.
    std::random_device random;
    return longest * std::uniform_real_distribution<double>(0.5, 1.0)(random);
  }

  const WeightClientOptions options_;
  std::vector<Replica> replicas_;
  // Where the next call starts: the server that was tried last.
  std::atomic<size_t> current_{0};
};

}  // namespace

absl::StatusOr<std::unique_ptr<WeightClient>> WeightClient::Create(
    const WeightClientOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (const std::string& server : options.servers) {
    auto channel = Connect(server, options);
    if (!channel.ok()) return channel.status();
    channels.push_back(*std::move(channel));
  }
  return FromChannels(channels, options);
}

absl::StatusOr<std::unique_ptr<WeightClient>> WeightClient::FromChannels(
    const std::vector<std::shared_ptr<grpc::Channel>>& channels,
    const WeightClientOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  if (channels.empty()) {
    return InvalidOption("servers", "empty", "at least one");
  }
  return std::make_unique<RetryingClient>(channels, options);
}

}  // namespace weightinit
