#include "weightinit/client/weight_client.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/status_conversion.h"
#include "client/cpp/stream_verifier.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "weightinit/core/checksum.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using v1::WeightInitService;

// Writes to the front of a buffer.
class BufferSink final : public TensorSink {
 public:
  explicit BufferSink(absl::Span<uint8_t> buffer) : rest_(buffer) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override {
    if (description.bytes() <= static_cast<int64_t>(rest_.size())) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("buffer has ", rest_.size(),
                                                   " bytes, the tensor needs ",
                                                   description.bytes()));
  }

  absl::Status OnData(absl::Span<const uint8_t> data) override {
    std::memcpy(rest_.data(), data.data(), data.size());
    rest_.remove_prefix(data.size());
    return absl::OkStatus();
  }

 private:
  absl::Span<uint8_t> rest_;
};

// What has been delivered to a sink, by however many streams.
struct Delivery {
  const v1::InitializeTensorRequest& request;
  TensorSink& sink;
  FetchResult result;
  bool has_description = false;
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

// The one place where bytes of a stream are received. False: the stream ended.
bool Receive(grpc::ClientReader<v1::InitializeTensorResponse>& stream,
             v1::InitializeTensorResponse& part) {
  return stream.Read(&part);
}

absl::Status AcceptHeader(const v1::TensorDescription& description,
                          Delivery& delivery) {
  if (delivery.has_description) {
    ++delivery.result.resumed;
    return VerifyResumedDescription(delivery.result.description, description,
                                    delivery.result.elements);
  }
  delivery.result.description = description;
  delivery.has_description = true;
  return delivery.sink.OnHeader(description);
}

absl::Status AcceptChunk(const v1::TensorChunk& chunk, Delivery& delivery) {
  const absl::Span<const uint8_t> data(
      reinterpret_cast<const uint8_t*>(chunk.data().data()),
      chunk.data().size());
  if (absl::Status status = delivery.sink.OnData(data); !status.ok()) {
    return status;
  }
  FetchResult& result = delivery.result;
  const auto bytes = static_cast<int64_t>(data.size());
  const int64_t element_bytes =
      result.description.bytes() / result.description.elements();
  result.crc32 = ConcatCrc32(result.crc32, chunk.crc32(), bytes);
  result.elements += bytes / element_bytes;
  result.bytes += bytes;
  return absl::OkStatus();
}

// Verifies a part, then delivers it.
absl::Status Accept(const v1::InitializeTensorResponse& part,
                    StreamVerifier& verifier, Delivery& delivery) {
  absl::Status status;
  switch (part.part_case()) {
    case v1::InitializeTensorResponse::kHeader:
      status = verifier.OnHeader(part.header().description());
      return status.ok() ? AcceptHeader(part.header().description(), delivery)
                         : status;
    case v1::InitializeTensorResponse::kChunk:
      status = verifier.OnChunk(part.chunk());
      return status.ok() ? AcceptChunk(part.chunk(), delivery) : status;
    case v1::InitializeTensorResponse::kTrailer:
      return verifier.OnTrailer(part.trailer());
    case v1::InitializeTensorResponse::PART_NOT_SET:
      break;
  }
  return absl::DataLossError(
      "verification failed: a response with no part set");
}

// One stream, from where the delivery stands.
AttemptResult FetchStream(WeightInitService::Stub& stub,
                          grpc::ClientContext& context, Delivery& delivery) {
  v1::InitializeTensorRequest request = delivery.request;
  request.set_first_element(request.first_element() + delivery.result.elements);
  const int64_t elements_before = delivery.result.elements;
  StreamVerifier verifier(request);
  const auto stream = stub.InitializeTensor(&context, request);
  v1::InitializeTensorResponse part;
  absl::Status status;
  while (status.ok() && Receive(*stream, part)) {
    status = Accept(part, verifier, delivery);
  }
  if (!status.ok()) {
    context.TryCancel();
    stream->Finish();
    return {status, false, false};
  }
  AttemptResult result = ResultOf(stream->Finish());
  if (result.status.ok()) result.status = verifier.OnEnd();
  result.progress = delivery.result.elements > elements_before;
  return result;
}

absl::Status InvalidOption(absl::string_view name, const std::string& value,
                           absl::string_view range) {
  return absl::InvalidArgumentError(absl::StrCat(
      "WeightClientOptions.", name, " is ", value, ", it has to be ", range));
}

absl::Status ValidateServer(const std::string& server) {
  const size_t colon = server.rfind(':');
  int port = 0;
  if (colon != std::string::npos && colon > 0 &&
      absl::SimpleAtoi(server.substr(colon + 1), &port) && port > 0 &&
      port < 65536) {
    return absl::OkStatus();
  }
  return InvalidOption("servers", absl::StrCat("\"", server, "\""),
                       "host:port, port from 1 to 65535");
}

absl::Status Validate(const WeightClientOptions& options) {
  if (options.max_attempts_without_progress < 1) {
    return InvalidOption("max_attempts_without_progress",
                         absl::StrCat(options.max_attempts_without_progress),
                         "at least 1");
  }
  if (options.initial_backoff <= absl::ZeroDuration()) {
    return InvalidOption("initial_backoff",
                         absl::FormatDuration(options.initial_backoff),
                         "above 0");
  }
  if (options.max_backoff < options.initial_backoff) {
    return InvalidOption("max_backoff",
                         absl::FormatDuration(options.max_backoff),
                         "at least initial_backoff");
  }
  if (options.connect_timeout <= absl::ZeroDuration()) {
    return InvalidOption("connect_timeout",
                         absl::FormatDuration(options.connect_timeout),
                         "above 0");
  }
  if (options.timeout <= absl::ZeroDuration()) {
    return InvalidOption("timeout", absl::FormatDuration(options.timeout),
                         "above 0");
  }
  return absl::OkStatus();
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 1 << 30));
}

bool IsLoopback(const std::string& server) {
  return absl::StartsWith(server, "127.") ||
         absl::StartsWith(server, "localhost:") ||
         absl::StartsWith(server, "[::1]:");
}

std::shared_ptr<grpc::Channel> Connect(const std::string& server,
                                       const WeightClientOptions& options) {
  grpc::ChannelArguments arguments;
  // The client itself decides when to try again; the channel is not to wait
  // longer than that before it connects anew.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   Milliseconds(options.initial_backoff));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   Milliseconds(options.max_backoff));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   Milliseconds(options.connect_timeout));
  // One connection for each client: one TCP stream is slower than several.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A proxy named in the environment does not lead back to this machine.
  if (IsLoopback(server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(),
                                   arguments);
}

class RetryingClient final : public WeightClient {
 public:
  RetryingClient(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                 WeightClientOptions options)
      : options_(std::move(options)) {
    for (const auto& channel : channels) {
      stubs_.push_back(WeightInitService::NewStub(channel));
    }
  }

  absl::StatusOr<v1::TensorDescription> Describe(
      const v1::DescribeTensorRequest& request) override {
    v1::DescribeTensorResponse response;
    absl::Status status =
        Retry([&](WeightInitService::Stub& stub, grpc::ClientContext& context) {
          return ResultOf(stub.DescribeTensor(&context, request, &response));
        });
    if (!status.ok()) return status;
    return std::move(*response.mutable_description());
  }

  absl::StatusOr<v1::GetServerInfoResponse> Info() override {
    v1::GetServerInfoResponse response;
    absl::Status status =
        Retry([&](WeightInitService::Stub& stub, grpc::ClientContext& context) {
          return ResultOf(stub.GetServerInfo(
              &context, v1::GetServerInfoRequest(), &response));
        });
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    TensorSink& sink) override {
    Delivery delivery{request, sink, {}, false};
    absl::Status status =
        Retry([&](WeightInitService::Stub& stub, grpc::ClientContext& context) {
          return FetchStream(stub, context, delivery);
        });
    if (!status.ok()) {
      if (delivery.result.elements == 0) return status;
      return absl::Status(
          status.code(),
          absl::StrCat(status.message(), " (after ", delivery.result.elements,
                       " of ", delivery.result.description.elements(),
                       " elements)"));
    }
    return std::move(delivery.result);
  }

 private:
  // Calls attempt(stub, context) on one server after the other until it
  // succeeds, fails for good, or fails too often in a row without progress.
  template <typename Attempt>
  absl::Status Retry(Attempt attempt) {
    const absl::Time deadline = absl::Now() + options_.timeout;
    const int servers = static_cast<int>(stubs_.size());
    const int max_fruitless =
        std::max(options_.max_attempts_without_progress, servers);
    int fruitless = 0;
    // Failures since the last progress, the one that ended the progress
    // included.
    int failures = 0;
    size_t server = server_.load(std::memory_order_relaxed);
    for (;;) {
      grpc::ClientContext context;
      if (deadline != absl::InfiniteFuture()) {
        context.set_deadline(absl::ToChronoTime(deadline));
      }
      const AttemptResult result = attempt(*stubs_[server], context);
      if (result.status.ok() || !result.broken) return result.status;
      fruitless = result.progress ? 0 : fruitless + 1;
      failures = result.progress ? 1 : failures + 1;
      if (fruitless >= max_fruitless) {
        return absl::Status(result.status.code(),
                            absl::StrCat("gave up after ", fruitless,
                                         " attempts without progress: ",
                                         result.status.message()));
      }
      server = (server + 1) % stubs_.size();
      server_.store(server, std::memory_order_relaxed);
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
  std::vector<std::unique_ptr<WeightInitService::Stub>> stubs_;
  // Where the next call starts: the server that was tried last.
  std::atomic<size_t> server_{0};
};

}  // namespace

absl::Status TensorSink::OnHeader(const v1::TensorDescription&) {
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WeightClient>> WeightClient::Create(
    const WeightClientOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (const std::string& server : options.servers) {
    if (absl::Status status = ValidateServer(server); !status.ok()) {
      return status;
    }
    channels.push_back(Connect(server, options));
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

absl::StatusOr<FetchResult> WeightClient::Fetch(
    const v1::InitializeTensorRequest& request, absl::Span<uint8_t> buffer) {
  BufferSink sink(buffer);
  return Fetch(request, sink);
}

}  // namespace weightinit
