// Where a server listens.

#ifndef WEIGHTINIT_SERVER_LISTEN_LISTEN_ADDRESS_H_
#define WEIGHTINIT_SERVER_LISTEN_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weightinit {

// A TCP port, or a socket in the file system.
struct ListenAddress {
  std::string host;  // "127.0.0.1", "[::1]", "localhost"; empty for a path.
  int port = 0;      // From 0 to 65535; 0 takes a free one.
  std::string path;  // Empty for a TCP port.

  bool is_unix() const { return !path.empty(); }
  // The host without the brackets of an IPv6 address.
  absl::string_view bare_host() const;
  // "HOST:PORT" or "unix:PATH".
  std::string text() const;
};

// INVALID_ARGUMENT: `text` is neither HOST:PORT nor unix:PATH, or the path is
// longer than a socket's may be.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_LISTEN_LISTEN_ADDRESS_H_
