#include "server/server.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "server/credentials.h"
#include "server/service.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/generator_pool.h"
#include "server/stream/stream_admission.h"

namespace weightinit {
namespace {

// Free chunk buffers kept: those of 85 streams of the default chunk size.
constexpr size_t kMaxFreeBufferBytes = size_t{64} << 20;

// When the last stream of ours has ended, the rest (acknowledgements, health
// watchers, which never end by themselves) has this long to follow.
constexpr absl::Duration kCloseGrace = absl::Seconds(2);

constexpr int kMaxThreads = 1024;
constexpr int kMaxMaxStreams = 1 << 20;

struct HostPort {
  absl::string_view host;
  int port = 0;
};

absl::StatusOr<HostPort> ParseListen(absl::string_view listen) {
  const size_t colon = listen.rfind(':');
  HostPort parsed;
  if (colon != absl::string_view::npos) {
    parsed.host = listen.substr(0, colon);
    const bool bare_ipv6 = absl::StrContains(parsed.host, ':') &&
                           !absl::StartsWith(parsed.host, "[");
    if (!parsed.host.empty() && !bare_ipv6 &&
        absl::SimpleAtoi(listen.substr(colon + 1), &parsed.port) &&
        parsed.port >= 0 && parsed.port <= 65535) {
      return parsed;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "listen: \"", listen,
      "\" is not HOST:PORT with a port from 0 to 65535, for example "
      "127.0.0.1:50051 or [::1]:50051"));
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high) {
  if (low <= value && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is not between ", low, " and ", high));
}

absl::Status Check(const ServerOptions& options) {
  absl::Status status = CheckRange("max_elements", options.limits.max_elements,
                                   1, kMaxElementsCeiling);
  status.Update(
      CheckRange("max_streams", options.max_streams, 1, kMaxMaxStreams));
  status.Update(CheckRange("generator_threads", options.generator_threads, 0,
                           kMaxThreads));
  return status;
}

int GeneratorThreads(const ServerOptions& options) {
  if (options.generator_threads > 0) return options.generator_threads;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return static_cast<int>(std::min<unsigned>(cores, kMaxThreads));
}

// gRPC builds health and reflection into every server of the process that is
// built from now on.
void EnableHealthAndReflection() {
  static const bool enabled = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // gRPC's own health service does without the generated code of its proto.
    // This keeps that code in the binary, so that reflection can describe it.
    return grpc::health::v1::HealthCheckRequest::descriptor() != nullptr;
  }();
  static_cast<void>(enabled);
}

}  // namespace

// Members are destroyed from the last to the first: the gRPC server, then the
// service that it calls, then what the service works with.
struct Server::Impl {
  explicit Impl(const ServerOptions& options)
      : admission(options.max_streams),
        generators(GeneratorThreads(options)),
        service(MakeWeightInitService({options.limits, &admission, &generators,
                                       buffers, options.observer,
                                       options.root_seed})) {}

  const std::shared_ptr<BufferPool> buffers =
      BufferPool::Create(kMaxFreeBufferBytes);
  StreamAdmission admission;
  GeneratorPool generators;
  std::unique_ptr<grpc::Service> service;
  std::unique_ptr<grpc::Server> grpc_server;
  std::string address;
  int port = 0;
  bool drained = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { Drain(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  HostPort listen;
  if (!options.listen.empty()) {
    auto parsed = ParseListen(options.listen);
    if (!parsed.ok()) return parsed.status();
    listen = *parsed;
  }

  EnableHealthAndReflection();
  auto impl = std::make_unique<Impl>(options);
  grpc::ServerBuilder builder;
  builder.RegisterService(impl->service.get());
  // A port in use is an error, not a second server that gets half of the
  // connections. (MAX_CONCURRENT_STREAMS stays unlimited, because exceeding it
  // breaks the connection; StreamAdmission refuses single streams instead.)
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  if (!options.listen.empty()) {
    builder.AddListeningPort(options.listen, MakeServerCredentials(),
                             &impl->port);
  }
  impl->grpc_server = builder.BuildAndStart();
  if (impl->grpc_server == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen,
                     ": the port is in use or not allowed, or the host is not "
                     "this machine"));
  }
  if (!options.listen.empty()) {
    impl->address = absl::StrCat(listen.host, ":", impl->port);
  }
  impl->grpc_server->GetHealthCheckService()->SetServingStatus(
      WeightInitServiceName(), true);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::Drain(absl::Duration grace) {
  if (std::exchange(impl_->drained, true)) return;
  const absl::Time deadline = absl::Now() + grace;
  impl_->admission.Close();
  impl_->grpc_server->GetHealthCheckService()->Shutdown();
  // gRPC tells connections to go away only now. It closes one as soon as the
  // client has acknowledged that and no call is left, so that sent after the
  // last byte of a stream the acknowledgement covers that byte; sent before, it
  // would not, and a close that finds unread input makes the kernel drop what
  // it has still to send.
  impl_->admission.WaitUntilIdle(deadline);
  impl_->grpc_server->Shutdown(
      absl::ToChronoTime(std::min(deadline, absl::Now() + kCloseGrace)));
  impl_->grpc_server->Wait();
}

const std::string& Server::address() const { return impl_->address; }

int Server::port() const { return impl_->port; }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return impl_->grpc_server->InProcessChannel(grpc::ChannelArguments());
}

int Server::active_streams() const { return impl_->admission.active(); }

int64_t Server::bytes_held() const { return impl_->admission.bytes_held(); }

int64_t Server::buffers_in_use() const { return impl_->buffers->in_use(); }

}  // namespace weightinit
