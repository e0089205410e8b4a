#include "client/cpp/connect.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cpp/credentials.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "weightinit/core/limits.h"

namespace weightinit {
namespace {

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

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 1 << 30));
}

bool IsLoopback(const std::string& server) {
  return absl::StartsWith(server, "127.") ||
         absl::StartsWith(server, "localhost:") ||
         absl::StartsWith(server, "[::1]:");
}

}  // namespace

absl::Status InvalidOption(absl::string_view name, absl::string_view value,
                           absl::string_view range) {
  return absl::InvalidArgumentError(absl::StrCat(
      "WeightClientOptions.", name, " is ", value, ", it has to be ", range));
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
  if (options.chunk_bytes != 0 && (options.chunk_bytes < kMinChunkBytes ||
                                   options.chunk_bytes > kMaxChunkBytes)) {
    return InvalidOption(
        "chunk_bytes", absl::StrCat(options.chunk_bytes),
        absl::StrCat("0 or from ", kMinChunkBytes, " to ", kMaxChunkBytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(
    const std::string& server, const WeightClientOptions& options) {
  if (absl::Status status = ValidateServer(server); !status.ok()) {
    return status;
  }
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
  return grpc::CreateCustomChannel(server, MakeChannelCredentials(), arguments);
}

}  // namespace weightinit
