#include "server/server.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "server/listen/acceptor.h"
#include "server/listen/connections.h"
#include "server/listen/listen_address.h"
#include "server/listen/listening_socket.h"
#include "server/poller_heartbeat.h"
#include "server/reflection.h"
#include "server/security/security.h"
#include "server/service.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/generator_pool.h"
#include "server/stream/stream_admission.h"
#include "server/stream/stream_watch.h"

namespace weightinit {
namespace {

// Free chunk buffers kept: those of 85 streams of the default chunk size.
constexpr size_t kMaxFreeBufferBytes = size_t{64} << 20;

// When the last stream of ours has ended, the rest (acknowledgements, health
// watchers, which never end by themselves) has this long to follow.
constexpr absl::Duration kCloseGrace = absl::Seconds(2);

constexpr int kMaxThreads = 1024;
constexpr int kMaxMaxStreams = 1 << 20;
constexpr int kMaxMaxConnections = 1 << 20;
constexpr int64_t kMinBytesHeld = int64_t{1} << 20;
constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// A connection that has not introduced itself by then is closed.
constexpr absl::Duration kHandshakeTime = absl::Seconds(20);
// An answer to a keepalive.
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);
// What newer gRPC looks at for it; Debian's has no name for that.
constexpr char kPingTimeout[] = "grpc.http2.ping_timeout_ms";
// Clients may ask as often as this whether the server is alive.
constexpr absl::Duration kMinClientKeepalive = absl::Seconds(5);
// gRPC closes an idle connection after its time; what it cannot close, because
// of a request that never ends, is cut this much later.
constexpr absl::Duration kIdleGrace = absl::Seconds(5);

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high) {
  if (low <= value && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is not between ", low, " and ", high));
}

absl::Status CheckRanges(const ServerOptions& options) {
  absl::Status status = CheckRange("max_elements", options.limits.max_elements,
                                   1, kMaxElementsCeiling);
  status.Update(
      CheckRange("max_operations", options.limits.max_operations, 0, kNoLimit));
  const AdmissionLimits& admission = options.admission;
  status.Update(
      CheckRange("max_streams", admission.max_streams, 1, kMaxMaxStreams));
  status.Update(CheckRange("max_streams_per_client",
                           admission.max_streams_per_client, 1, kNoLimit));
  status.Update(CheckRange("max_bytes_held", admission.max_bytes_held,
                           kMinBytesHeld, kNoLimit));
  status.Update(CheckRange("max_requested_elements",
                           admission.max_requested_elements, 1, kNoLimit));
  status.Update(CheckRange("max_connections",
                           options.connections.max_connections, 1,
                           kMaxMaxConnections));
  status.Update(CheckRange("generator_threads", options.generator_threads, 0,
                           kMaxThreads));
  return status;
}

int GeneratorThreads(const ServerOptions& options) {
  if (options.generator_threads > 0) return options.generator_threads;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return static_cast<int>(std::min<unsigned>(cores, kMaxThreads));
}

// As gRPC takes a duration; nothing for an infinite one, which it has by
// default.
void SetMilliseconds(grpc::ServerBuilder& builder, const char* name,
                     absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return;
  builder.AddChannelArgument(name, static_cast<int>(std::clamp<int64_t>(
                                       absl::ToInt64Milliseconds(duration), 1,
                                       std::numeric_limits<int>::max())));
}

// (MAX_CONCURRENT_STREAMS stays unlimited, because exceeding it breaks the
// connection; StreamAdmission refuses single streams instead.)
void SetChannelArguments(const ServerOptions& options,
                         grpc::ServerBuilder& builder) {
  const ConnectionOptions& connections = options.connections;
  SetMilliseconds(builder, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                  std::min(kHandshakeTime, connections.max_idle));
  SetMilliseconds(builder, GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                  connections.max_idle);
  SetMilliseconds(builder, GRPC_ARG_MAX_CONNECTION_AGE_MS, connections.max_age);
  SetMilliseconds(builder, GRPC_ARG_KEEPALIVE_TIME_MS, connections.keepalive);
  SetMilliseconds(builder, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeout);
  SetMilliseconds(builder, kPingTimeout, kKeepaliveTimeout);
  SetMilliseconds(builder,
                  GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                  kMinClientKeepalive);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

// gRPC builds health into every server of the process that is built from now
// on.
void EnableHealth() {
  static const bool enabled = [] {
    grpc::EnableDefaultHealthCheckService(true);
    // gRPC's own health service does without the generated code of its proto.
    // This keeps that code in the binary, so that reflection can describe it.
    return grpc::health::v1::HealthCheckRequest::descriptor() != nullptr;
  }();
  static_cast<void>(enabled);
}

struct Prepared {
  std::vector<ListenAddress> addresses;
  std::unique_ptr<Security> security;
};

// All that can be said of the options before anything listens.
absl::StatusOr<Prepared> Prepare(const ServerOptions& options) {
  if (absl::Status status = CheckRanges(options); !status.ok()) return status;
  Prepared prepared;
  for (const std::string& text : options.listen) {
    auto address = ParseListenAddress(text);
    if (!address.ok()) return address.status();
    prepared.addresses.push_back(*std::move(address));
  }
  auto security = Security::Start(options.security, prepared.addresses);
  if (!security.ok()) return security.status();
  prepared.security = *std::move(security);
  return prepared;
}

}  // namespace

// Members are destroyed from the last to the first: the gRPC server, then the
// service that it calls, then what the service works with.
struct Server::Impl {
  Impl(const ServerOptions& options, std::unique_ptr<Security> security_of)
      : security(std::move(security_of)),
        connections(options.connections.max_idle + kIdleGrace),
        admission(options.admission),
        generators(GeneratorThreads(options)),
        watch(options.patience),
        service(MakeWeightInitService(
            {options.limits, &admission, &generators, &watch, &connections,
             buffers, options.observer, options.root_seed, security.get()})) {}

  const std::shared_ptr<BufferPool> buffers =
      BufferPool::Create(kMaxFreeBufferBytes);
  const std::unique_ptr<Security> security;
  Connections connections;
  StreamAdmission admission;
  GeneratorPool generators;
  StreamWatch watch;
  std::unique_ptr<grpc::Service> service;
  std::vector<std::unique_ptr<grpc::Service>> reflection;
  std::unique_ptr<grpc::Server> grpc_server;
  std::unique_ptr<PollerHeartbeat> heartbeat;
  // Of TCP connections, and of those in the file system.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> tcp;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> path;
  std::unique_ptr<Acceptor> acceptor;
  std::vector<std::string> addresses;
  int port = 0;
  std::atomic<bool> serving{true};
  bool drained = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { Drain(absl::ZeroDuration()); }

absl::Status Server::Check(const ServerOptions& options) {
  return Prepare(options).status();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options) {
  // Before anything is made that would have to be undone.
  auto prepared = Prepare(options);
  if (!prepared.ok()) return prepared.status();
  auto& [addresses, security] = *prepared;
  std::vector<ListeningSockets> sockets;
  for (const ListenAddress& address : addresses) {
    auto listening = Listen(address);
    if (!listening.ok()) return listening.status();
    sockets.push_back(*std::move(listening));
  }

  EnableHealth();
  auto impl = std::make_unique<Impl>(options, std::move(security));
  absl::flat_hash_set<int> path_sockets;
  for (const ListeningSockets& each : sockets) {
    impl->addresses.push_back(each.address.text());
    if (impl->port == 0) impl->port = each.address.port;
    if (!each.address.is_unix()) continue;
    for (const Descriptor& socket : each.descriptors) {
      path_sockets.insert(socket.get());
    }
  }
  grpc::ServerBuilder builder;
  builder.RegisterService(impl->service.get());
  impl->reflection = MakeReflectionServices(
      {WeightInitServiceName(), grpc::health::v1::Health::service_full_name()},
      impl->security.get());
  for (const auto& service : impl->reflection) {
    builder.RegisterService(service.get());
  }
  SetChannelArguments(options, builder);
  impl->tcp = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      impl->security->TcpCredentials());
  impl->path = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      Security::UnixCredentials());
  impl->grpc_server = builder.BuildAndStart();
  if (impl->grpc_server == nullptr) {
    return absl::InternalError("gRPC cannot start a server");
  }
  impl->heartbeat = std::make_unique<PollerHeartbeat>(
      impl->grpc_server->InProcessChannel(grpc::ChannelArguments()));
  impl->grpc_server->GetHealthCheckService()->SetServingStatus(
      WeightInitServiceName(), true);
  auto acceptor = Acceptor::Start(
      std::move(sockets), options.connections.max_connections,
      &impl->connections,
      [tcp = impl->tcp.get(), path = impl->path.get(),
       path_sockets = std::move(path_sockets)](int listening_socket,
                                               int connection) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
            parameters;
        parameters.listener_fd = listening_socket;
        parameters.fd = connection;
        (path_sockets.contains(listening_socket) ? path : tcp)
            ->HandleNewConnection(&parameters);
      });
  if (!acceptor.ok()) return acceptor.status();
  impl->acceptor = *std::move(acceptor);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::AnnounceDrain() {
  impl_->serving = false;
  impl_->grpc_server->GetHealthCheckService()->Shutdown();
}

int Server::Drain(absl::Duration grace) {
  if (std::exchange(impl_->drained, true)) return 0;
  impl_->serving = false;
  const absl::Time deadline = absl::Now() + grace;
  impl_->admission.Close();
  impl_->grpc_server->GetHealthCheckService()->Shutdown();
  // gRPC tells connections to go away only now. It closes one as soon as the
  // client has acknowledged that and no call is left, so that sent after the
  // last byte of a stream the acknowledgement covers that byte; sent before, it
  // would not, and a close that finds unread input makes the kernel drop what
  // it has still to send.
  const bool idle = impl_->admission.WaitUntilIdle(deadline);
  const int cut = idle ? 0 : impl_->admission.active();
  impl_->heartbeat.reset();
  // gRPC keeps a connection that it is handed from now on, and never speaks.
  if (impl_->acceptor != nullptr) impl_->acceptor->StopListening();
  impl_->grpc_server->Shutdown(
      absl::ToChronoTime(std::min(deadline, absl::Now() + kCloseGrace)));
  impl_->grpc_server->Wait();
  impl_->acceptor.reset();
  return cut;
}

const std::vector<std::string>& Server::addresses() const {
  return impl_->addresses;
}

std::string Server::address() const {
  return impl_->addresses.empty() ? "" : impl_->addresses.front();
}

int Server::port() const { return impl_->port; }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return impl_->grpc_server->InProcessChannel(grpc::ChannelArguments());
}

int Server::active_streams() const { return impl_->admission.active(); }

int64_t Server::bytes_held() const { return impl_->admission.bytes_held(); }

int64_t Server::buffers_in_use() const { return impl_->buffers->in_use(); }

void Server::FreeUnusedBuffers() { impl_->buffers->FreeUnused(); }

int Server::stalled_streams() const { return impl_->watch.stalled(); }

int Server::connections() const { return impl_->connections.count(); }

bool Server::serving() const { return impl_->serving; }

absl::Duration Server::generation_time() const {
  return impl_->generators.computing();
}

SecurityFigures Server::security_figures() const {
  return impl_->security->figures();
}

}  // namespace weightinit
