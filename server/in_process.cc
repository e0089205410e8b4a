#include "server/in_process.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "server/server.h"

namespace weightinit {
namespace {

// The server outlives the channel: members are destroyed last to first.
struct ServerAndChannel {
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
};

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeInProcessChannel(
    const InProcessOptions& options) {
  ServerOptions server_options;
  server_options.limits.max_elements = options.max_elements;
  server_options.generator_threads = options.generator_threads;
  server_options.listen = "";
  auto server = Server::Start(server_options);
  if (!server.ok()) return server.status();
  auto owner = std::make_shared<ServerAndChannel>();
  owner->server = *std::move(server);
  owner->channel = owner->server->InProcessChannel();
  // Shares the ownership of both, points to one.
  return std::shared_ptr<grpc::Channel>(owner, owner->channel.get());
}

}  // namespace weightinit
