#include "client/cpp/connect.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
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

constexpr char kDnsScheme[] = "dns:///";
constexpr char kSocketScheme[] = "unix:";

// What newer gRPC looks at beside GRPC_ARG_KEEPALIVE_TIMEOUT_MS; Debian's has
// no name for it.
constexpr char kPingTimeout[] = "grpc.http2.ping_timeout_ms";

bool IsSocket(const std::string& server) {
  return absl::StartsWith(server, kSocketScheme);
}

absl::Status ValidateServer(const std::string& server,
                            const std::string& host_port) {
  constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
  if (IsSocket(server)) {
    const size_t path = server.size() - std::strlen(kSocketScheme);
    if (path > 0 && path <= kMaxPath) return absl::OkStatus();
    return InvalidOption(
        "servers", absl::StrCat("\"", server, "\""),
        absl::StrCat("unix:PATH, the path of 1 to ", kMaxPath, " bytes"));
  }
  const size_t colon = host_port.rfind(':');
  int port = 0;
  if (colon != std::string::npos && colon > 0 &&
      absl::SimpleAtoi(host_port.substr(colon + 1), &port) && port > 0 &&
      port < 65536) {
    return absl::OkStatus();
  }
  return InvalidOption("servers", absl::StrCat("\"", server, "\""),
                       "host:port or dns:///host:port, port from 1 to 65535, "
                       "or unix:PATH");
}

// Every address of the host, as "address:port".
absl::StatusOr<std::vector<std::string>> Resolve(const std::string& host_port) {
  const size_t colon = host_port.rfind(':');
  const std::string host = host_port.substr(0, colon);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.c_str(), host_port.c_str() + colon + 1, &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot resolve \"", host, "\": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found,
                                                                 &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* address = found; address != nullptr;
       address = address->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(address->ai_addr, address->ai_addrlen, text.data(),
                    static_cast<socklen_t>(text.size()), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
      continue;
    }
    const std::string numeric(text.data());
    const std::string port = host_port.substr(colon);
    addresses.push_back(address->ai_family == AF_INET6
                            ? absl::StrCat("[", numeric, "]", port)
                            : numeric + port);
  }
  if (addresses.empty()) {
    return absl::UnavailableError(
        absl::StrCat("\"", host, "\" has no address"));
  }
  return addresses;
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 1 << 30));
}

// "127.0.0.1.example.org" is not.
bool IsLoopback(const std::string& server) {
  const std::string host = server.substr(0, server.rfind(':'));
  in_addr address{};
  return IsSocket(server) || host == "localhost" || host == "[::1]" ||
         (absl::StartsWith(host, "127.") &&
          inet_pton(AF_INET, host.c_str(), &address) == 1);
}

grpc::ChannelArguments ArgumentsFor(const std::string& server,
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
  if (options.keepalive_time != absl::InfiniteDuration()) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                     Milliseconds(options.keepalive_time));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                     Milliseconds(options.keepalive_timeout));
    arguments.SetInt(kPingTimeout, Milliseconds(options.keepalive_timeout));
    // Also in a stream on which nothing is sent for long.
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  // One connection for each client: one TCP stream is slower than several.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A proxy named in the environment does not lead back to this machine.
  if (IsLoopback(server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
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
  if (options.max_wait_when_full < absl::ZeroDuration()) {
    return InvalidOption("max_wait_when_full",
                         absl::FormatDuration(options.max_wait_when_full),
                         "at least 0");
  }
  const std::pair<absl::string_view, absl::Duration> above_zero[] = {
      {"connect_timeout", options.connect_timeout},
      {"keepalive_time", options.keepalive_time},
      {"keepalive_timeout", options.keepalive_timeout},
      {"stall_timeout", options.stall_timeout},
      {"timeout", options.timeout}};
  for (const auto& [name, value] : above_zero) {
    if (value <= absl::ZeroDuration()) {
      return InvalidOption(name, absl::FormatDuration(value), "above 0");
    }
  }
  if (options.parallel < 0 || options.parallel > kMaxParallel) {
    return InvalidOption("parallel", absl::StrCat(options.parallel),
                         absl::StrCat("from 0 to ", kMaxParallel));
  }
  if (!std::all_of(
          options.token.begin(), options.token.end(),
          [](unsigned char letter) { return absl::ascii_isgraph(letter); })) {
    return InvalidOption("token", "not shown here",
                         "of visible ASCII characters");
  }
  if (options.chunk_bytes != 0 && (options.chunk_bytes < kMinChunkBytes ||
                                   options.chunk_bytes > kMaxChunkBytes)) {
    return InvalidOption(
        "chunk_bytes", absl::StrCat(options.chunk_bytes),
        absl::StrCat("0 or from ", kMinChunkBytes, " to ", kMaxChunkBytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(
    const std::string& server, const WeightClientOptions& options) {
  const bool is_name = absl::StartsWith(server, kDnsScheme);
  const std::string host_port =
      is_name ? server.substr(sizeof(kDnsScheme) - 1) : server;
  if (absl::Status status = ValidateServer(server, host_port); !status.ok()) {
    return status;
  }
  std::vector<std::string> addresses = {host_port};
  if (is_name) {
    auto resolved = Resolve(host_port);
    if (!resolved.ok()) return resolved.status();
    addresses = *std::move(resolved);
  }
  const auto credentials = MakeChannelCredentials(options);
  if (!credentials.ok()) return credentials.status();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  channels.reserve(addresses.size());
  for (const std::string& address : addresses) {
    if (!options.token.empty() && !options.tls.has_value() &&
        !options.allow_plaintext_token && !IsLoopback(address)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the token would go to \"", server,
          "\" unencrypted; use TLS, or allow_plaintext_token where something "
          "else encrypts the way"));
    }
    grpc::ChannelArguments arguments = ArgumentsFor(address, options);
    // What the server and the proxies before it see is the name.
    if (is_name) arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, host_port);
    channels.push_back(grpc::CreateCustomChannel(
        address, IsSocket(address) ? MakeSocketCredentials() : *credentials,
        arguments));
  }
  return channels;
}

}  // namespace weightinit
