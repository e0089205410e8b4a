#include "server/listen/listen_address.h"

#include <sys/un.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace weightinit {
namespace {

// With the byte that ends it.
constexpr size_t kMaxPathBytes = sizeof(sockaddr_un::sun_path) - 1;

absl::Status Invalid(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("listen: \"", text, "\" ", why));
}

absl::StatusOr<ListenAddress> ParsePath(absl::string_view text,
                                        absl::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) {
    return Invalid(text,
                   absl::StrCat("has a path of ", path.size(),
                                " bytes, it has to have 1 to ", kMaxPathBytes));
  }
  ListenAddress address;
  address.path = std::string(path);
  return address;
}

}  // namespace

absl::string_view ListenAddress::bare_host() const {
  absl::string_view bare = host;
  if (absl::ConsumePrefix(&bare, "[")) absl::ConsumeSuffix(&bare, "]");
  return bare;
}

std::string ListenAddress::text() const {
  return is_unix() ? absl::StrCat("unix:", path)
                   : absl::StrCat(host, ":", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  absl::string_view path = text;
  if (absl::ConsumePrefix(&path, "unix:")) return ParsePath(text, path);

  ListenAddress address;
  const size_t colon = text.rfind(':');
  if (colon != absl::string_view::npos) {
    const absl::string_view host = text.substr(0, colon);
    const bool bare_ipv6 =
        absl::StrContains(host, ':') && !absl::StartsWith(host, "[");
    if (!host.empty() && !bare_ipv6 &&
        absl::SimpleAtoi(text.substr(colon + 1), &address.port) &&
        address.port >= 0 && address.port <= 65535) {
      address.host = std::string(host);
      return address;
    }
  }
  return Invalid(
      text,
      "is neither HOST:PORT with a port from 0 to 65535, for example "
      "127.0.0.1:50051 or [::1]:50051, nor unix:PATH");
}

}  // namespace weightinit
