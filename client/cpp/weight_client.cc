#include "weightinit/client/weight_client.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/connect.h"
#include "client/cpp/remote_client.h"
#include "grpcpp/channel.h"

namespace weightinit {

absl::StatusOr<std::unique_ptr<WeightClient>> WeightClient::Create(
    const WeightClientOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (const std::string& server : options.servers) {
    auto connected = Connect(server, options);
    if (!connected.ok()) return connected.status();
    channels.insert(channels.end(), connected->begin(), connected->end());
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
  return std::make_unique<RemoteClient>(channels, options);
}

}  // namespace weightinit
