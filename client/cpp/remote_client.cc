#include "client/cpp/remote_client.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/cpp/credentials.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/fetch_errors.h"
#include "client/cpp/fetch/model_consumer.h"
#include "client/cpp/fetch/piece_adapter.h"
#include "client/cpp/fetch/receive_memory.h"
#include "client/cpp/fetch/tensor_consumer.h"
#include "client/cpp/fetch/tensor_verifier.h"
#include "client/cpp/streams/model_segments.h"
#include "client/cpp/streams/parallel_streams.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/replica_pool.h"
#include "client/cpp/streams/retry_limits.h"
#include "client/cpp/streams/segment_board.h"
#include "client/cpp/streams/stream_calls.h"
#include "client/cpp/streams/tensor_segments.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace weightinit {
namespace {

// A stream of fewer bytes is not worth its start.
constexpr int64_t kMinStreamBytes = int64_t{4} << 20;

// The description that answers `request`, whose fields have the same numbers.
template <typename Description, typename Request>
absl::StatusOr<Description> DescriptionOf(const Request& request) {
  Description description;
  if (!description.ParseFromString(request.SerializeAsString())) {
    return absl::InternalError("the two requests differ in form");
  }
  description.DiscardUnknownFields();
  return description;
}

// Puts pieces where they belong in a buffer.
class BufferPieces final : public PieceSink {
 public:
  explicit BufferPieces(absl::Span<uint8_t> buffer) : buffer_(buffer) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override {
    return CheckBuffer(buffer_.size(), description);
  }
  absl::Status OnPiece(int64_t offset,
                       absl::Span<const uint8_t> data) override {
    std::memcpy(buffer_.data() + offset, data.data(), data.size());
    return absl::OkStatus();
  }

 private:
  const absl::Span<uint8_t> buffer_;
};

}  // namespace

RemoteClient::RemoteClient(
    const std::vector<std::shared_ptr<grpc::Channel>>& channels,
    WeightClientOptions options)
    : options_(std::move(options)),
      parallel_(options_.parallel != 0 ? options_.parallel
                                       : static_cast<int>(std::min<size_t>(
                                             channels.size(), kMaxParallel))),
      max_fruitless_(std::max(options_.max_attempts_without_progress,
                              static_cast<int>(channels.size()))) {
  KeepReceiveMemory();
  replicas_.reserve(channels.size());
  for (const auto& channel : channels) {
    replicas_.emplace_back(channel, options_.stall_timeout, options_.token);
  }
}

absl::Time RemoteClient::Deadline() const {
  return absl::Now() + options_.timeout;
}

absl::StatusOr<v1::TensorDescription> RemoteClient::Describe(
    const v1::DescribeTensorRequest& request) {
  return DescribeUntil(Deadline(), request);
}

absl::StatusOr<v1::TensorDescription> RemoteClient::DescribeUntil(
    absl::Time deadline, const v1::DescribeTensorRequest& request) {
  if (absl::Status status = CheckNames(request); !status.ok()) return status;
  v1::DescribeTensorResponse response;
  absl::Status status = RetryUnary(
      deadline,
      [&](v1::WeightInitService::Stub& stub, grpc::ClientContext& context) {
        return stub.DescribeTensor(&context, request, &response);
      });
  status.Update(
      VerifySeed(request.seed(), request.seed_name(), response.description()));
  if (!status.ok()) return status;
  return std::move(*response.mutable_description());
}

absl::StatusOr<v1::GetServerInfoResponse> RemoteClient::Info() {
  v1::GetServerInfoResponse response;
  absl::Status status = RetryUnary(
      Deadline(),
      [&](v1::WeightInitService::Stub& stub, grpc::ClientContext& context) {
        return stub.GetServerInfo(&context, v1::GetServerInfoRequest(),
                                  &response);
      });
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<uint64_t> RemoteClient::ResolveSeed(
    const std::string& seed_name) {
  if (absl::Status status = CheckNames("", seed_name); !status.ok()) {
    return status;
  }
  v1::ResolveSeedRequest request;
  request.set_seed_name(seed_name);
  v1::ResolveSeedResponse response;
  absl::Status status = RetryUnary(
      Deadline(),
      [&](v1::WeightInitService::Stub& stub, grpc::ClientContext& context) {
        return stub.ResolveSeed(&context, request, &response);
      });
  if (!status.ok()) return status;
  if (response.seed_name() != seed_name) {
    return absl::DataLossError(
        "verification failed: the seed is of another name than the one "
        "requested");
  }
  return response.seed();
}

absl::StatusOr<FetchResult> RemoteClient::Fetch(
    const v1::InitializeTensorRequest& request, TensorSink& sink) {
  SinkDestination destination(sink);
  return FetchTo(request, destination);
}

absl::StatusOr<FetchResult> RemoteClient::Fetch(
    const v1::InitializeTensorRequest& request, absl::Span<uint8_t> buffer) {
  if (parallel_ > 1) {
    BufferPieces pieces(buffer);
    return FetchInParallel(request, pieces);
  }
  BufferDestination destination(buffer);
  return FetchTo(request, destination);
}

absl::StatusOr<FetchResult> RemoteClient::Fetch(
    const v1::InitializeTensorRequest& request, PieceSink& sink) {
  if (parallel_ > 1) return FetchInParallel(request, sink);
  PieceAdapter adapter(sink);
  return Fetch(request, adapter);
}

absl::StatusOr<FetchResult> RemoteClient::FetchTo(
    const v1::InitializeTensorRequest& request, ChunkDestination& destination) {
  v1::InitializeTensorRequest sized = request;
  if (sized.chunk_bytes() == 0) sized.set_chunk_bytes(options_.chunk_bytes);
  if (absl::Status status = CheckNames(sized); !status.ok()) return status;
  TensorDelivery delivery;
  absl::Status status = Retry(
      Deadline(), [&](const Replica& replica, grpc::ClientContext& context) {
        return FetchStream(replica, context, sized, destination, delivery);
      });
  if (!status.ok()) {
    return AfterElements(status, delivery.result.elements,
                         delivery.result.description.elements());
  }
  return std::move(delivery.result);
}

absl::StatusOr<FetchResult> RemoteClient::FetchInParallel(
    const v1::InitializeTensorRequest& request, PieceSink& sink) {
  const absl::Time deadline = Deadline();
  v1::InitializeTensorRequest sized = request;
  if (sized.chunk_bytes() == 0) sized.set_chunk_bytes(options_.chunk_bytes);
  const auto described = DescriptionOf<v1::DescribeTensorRequest>(sized);
  if (!described.ok()) return described.status();
  const auto description = DescribeUntil(deadline, *described);
  if (!description.ok()) return description.status();
  if (description->bytes() < 2 * kMinStreamBytes) {
    PieceAdapter adapter(sink);
    return Fetch(request, adapter);
  }
  if (absl::Status status = sink.OnHeader(*description); !status.ok()) {
    return status;
  }
  TensorSegments segments(sized, *description, sink);
  int resumed = 0;
  absl::Status status = Deliver(
      segments.bytes(), [&](int64_t place) { return segments.Align(place); },
      deadline, segments, &resumed);
  if (!status.ok()) return status;
  FetchResult result = segments.Finish();
  result.resumed = resumed;
  return result;
}

absl::StatusOr<v1::ModelSummary> RemoteClient::DescribeModel(
    const v1::DescribeModelRequest& request,
    const std::function<absl::Status(const v1::ModelTensor&)>& visit) {
  ModelVisit visited;
  visited.on_tensor = visit;
  absl::Status status = Retry(
      Deadline(), [&](const Replica& replica, grpc::ClientContext& context) {
        return DescribeModelStream(replica, context, request, visited);
      });
  if (!status.ok()) return status;
  return std::move(visited.summary);
}

absl::StatusOr<ModelFetchResult> RemoteClient::FetchModel(
    const v1::InitializeModelRequest& request, ModelSink& sink) {
  v1::InitializeModelRequest sized = request;
  if (sized.chunk_bytes() == 0) sized.set_chunk_bytes(options_.chunk_bytes);
  return parallel_ > 1 ? FetchModelInParallel(sized, sink)
                       : FetchModelInOrder(sized, sink);
}

absl::StatusOr<ModelFetchResult> RemoteClient::FetchModelInOrder(
    const v1::InitializeModelRequest& request, ModelSink& sink) {
  ModelDelivery delivery;
  absl::Status status = Retry(
      Deadline(), [&](const Replica& replica, grpc::ClientContext& context) {
        return FetchModelStream(replica, context, request, sink, delivery);
      });
  if (!status.ok()) {
    return AfterBytes(status, delivery.result.bytes,
                      delivery.result.summary.bytes());
  }
  return std::move(delivery.result);
}

absl::StatusOr<ModelFetchResult> RemoteClient::FetchModelInParallel(
    const v1::InitializeModelRequest& request, ModelSink& sink) {
  const absl::Time deadline = Deadline();
  ModelSegments segments(request, sink);
  const auto description = DescriptionOf<v1::DescribeModelRequest>(request);
  if (!description.ok()) return description.status();
  ModelVisit visit;
  visit.on_summary = [&](const v1::ModelSummary& summary) {
    return segments.OnSummary(summary);
  };
  visit.on_tensor = [&](const v1::ModelTensor& tensor) {
    return segments.OnTensor(tensor);
  };
  absl::Status status = Retry(
      deadline, [&](const Replica& replica, grpc::ClientContext& context) {
        return DescribeModelStream(replica, context, *description, visit);
      });
  if (!status.ok()) return status;
  int resumed = 0;
  status = Deliver(
      segments.bytes(), [&](int64_t place) { return segments.Align(place); },
      deadline, segments, &resumed);
  if (!status.ok()) return status;
  ModelFetchResult result = segments.Finish();
  result.resumed = resumed;
  return result;
}

absl::Status RemoteClient::Deliver(int64_t bytes,
                                   const std::function<int64_t(int64_t)>& align,
                                   absl::Time deadline,
                                   SegmentStreams& segments, int* resumed) {
  ParallelOptions options;
  options.workers = static_cast<int>(
      std::clamp<int64_t>(bytes / kMinStreamBytes, 1, parallel_));
  options.retry = RetryOptionsFor(deadline);
  options.backoff = {options_.initial_backoff, options_.max_backoff};
  SegmentBoardOptions board_options;
  board_options.bytes = bytes;
  board_options.workers = options.workers;
  board_options.min_bytes = kMinStreamBytes;
  SegmentBoard board(board_options, align);
  const absl::Status status =
      DeliverInParallel(replicas_, options, segments, board, resumed);
  if (!status.ok()) return AfterBytes(status, board.claimed(), bytes);
  return absl::OkStatus();
}

RetryOptions RemoteClient::RetryOptionsFor(absl::Time deadline) const {
  RetryOptions options;
  options.max_attempts_without_progress = max_fruitless_;
  options.max_wait_when_full = options_.max_wait_when_full;
  options.deadline = deadline;
  options.timeout = options_.timeout;
  return options;
}

absl::Status RemoteClient::Retry(
    absl::Time deadline,
    const std::function<AttemptResult(const Replica&, grpc::ClientContext&)>&
        attempt) {
  ReplicaPool pool(static_cast<int>(replicas_.size()),
                   {options_.initial_backoff, options_.max_backoff});
  RetryLimits limits(RetryOptionsFor(deadline));
  for (;;) {
    const ReplicaPool::Choice choice =
        pool.Choose(current_.load(std::memory_order_relaxed));
    if (choice.replica < 0) {
      if (absl::Status status = limits.MayWaitUntil(absl::Now() + choice.pause);
          !status.ok()) {
        return status;
      }
      absl::SleepFor(choice.pause);
      continue;
    }
    grpc::ClientContext context;
    if (deadline != absl::InfiniteFuture()) {
      context.set_deadline(absl::ToChronoTime(deadline));
    }
    const Replica& replica = replicas_[static_cast<size_t>(choice.replica)];
    replica.Authorize(context);
    AttemptResult result = attempt(replica, context);
    if (result.status.ok() || !result.broken) return result.status;
    if (!result.full) result.status = WithTlsHint(result.status, options_);
    pool.Release(choice.replica, result);
    if (absl::Status status = limits.Failed(choice.replica, result);
        !status.ok()) {
      return status;
    }
    current_.store((choice.replica + 1) % static_cast<int>(replicas_.size()),
                   std::memory_order_relaxed);
  }
}

absl::Status RemoteClient::RetryUnary(
    absl::Time deadline,
    const std::function<grpc::Status(v1::WeightInitService::Stub&,
                                     grpc::ClientContext&)>& call) {
  return Retry(
      deadline, [&](const Replica& replica, grpc::ClientContext& context) {
        const absl::Time stalled = absl::Now() + options_.stall_timeout;
        if (stalled >= deadline) {
          return ResultOf(call(*replica.stub, context), context);
        }
        context.set_deadline(absl::ToChronoTime(stalled));
        const grpc::Status status = call(*replica.stub, context);
        return ResultOf(status.error_code() == grpc::DEADLINE_EXCEEDED
                            ? StalledStatus(options_.stall_timeout)
                            : status,
                        context);
      });
}

}  // namespace weightinit
