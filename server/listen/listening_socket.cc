#include "server/listen/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weightinit {
namespace {

// Connections that wait to be accepted; the kernel may allow fewer.
constexpr int kBacklog = 4096;

absl::Status CannotListen(const ListenAddress& address, absl::string_view why) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address.text(), ": ", why));
}

absl::Status CannotListen(const ListenAddress& address, int error) {
  return CannotListen(address, std::strerror(error));
}

Descriptor NewSocket(int family) {
  return Descriptor(
      socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool Set(int socket, int level, int option, int value) {
  return setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

int PortOf(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return 0;
  }
  return ntohs(bound.ss_family == AF_INET6
                   ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

// A socket on one address of a host; none, and errno says why.
Descriptor ListenOn(const ListenAddress& address, const addrinfo& found) {
  Descriptor socket = NewSocket(found.ai_family);
  // A restarted server does not wait for what its predecessor's connections
  // have left in the kernel. [::] serves IPv4 too, as everywhere.
  if (!socket.is_open() || !Set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1) ||
      (found.ai_family == AF_INET6 &&
       !Set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY,
            address.bare_host() == "::" ? 0 : 1)) ||
      bind(socket.get(), found.ai_addr, found.ai_addrlen) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    return {};
  }
  return socket;
}

// Whether somebody listens there, so that the path is not to be taken away.
bool IsServed(const sockaddr_un& name) {
  const Descriptor probe = NewSocket(AF_UNIX);
  return probe.is_open() &&
         (connect(probe.get(), reinterpret_cast<const sockaddr*>(&name),
                  sizeof(name)) == 0 ||
          errno == EAGAIN);
}

absl::StatusOr<ListeningSockets> ListenOnPath(const ListenAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  address.path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  struct stat present {};
  if (lstat(address.path.c_str(), &present) == 0) {
    if (!S_ISSOCK(present.st_mode)) {
      return CannotListen(address, "there is a file that is not a socket");
    }
    if (IsServed(name)) return CannotListen(address, EADDRINUSE);
    unlink(address.path.c_str());
  }
  Descriptor socket = NewSocket(AF_UNIX);
  if (!socket.is_open() ||
      bind(socket.get(), reinterpret_cast<const sockaddr*>(&name),
           sizeof(name)) != 0 ||
      chmod(address.path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    return CannotListen(address, errno);
  }
  ListeningSockets sockets{address, {}};
  sockets.descriptors.push_back(std::move(socket));
  return sockets;
}

absl::StatusOr<ListeningSockets> ListenOnPort(const ListenAddress& address) {
  ListeningSockets sockets{address, {}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const std::string host(address.bare_host());
  addrinfo* found = nullptr;
  const int error = getaddrinfo(
      host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (error != 0) return CannotListen(address, gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found,
                                                                 &freeaddrinfo);
  int failure = 0;
  for (addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (!sockets.descriptors.empty() && address.port == 0) {
      // The others get the port that the first one has got.
      const auto port = htons(static_cast<uint16_t>(sockets.address.port));
      if (each->ai_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(each->ai_addr)->sin6_port = port;
      } else {
        reinterpret_cast<sockaddr_in*>(each->ai_addr)->sin_port = port;
      }
    }
    Descriptor socket = ListenOn(address, *each);
    if (!socket.is_open()) {
      failure = errno;
      // A name may have addresses of a family that this machine does without.
      if (failure == EADDRNOTAVAIL || failure == EAFNOSUPPORT) continue;
      return CannotListen(address, failure);
    }
    if (sockets.descriptors.empty()) {
      sockets.address.port = PortOf(socket.get());
    }
    sockets.descriptors.push_back(std::move(socket));
  }
  if (sockets.descriptors.empty()) return CannotListen(address, failure);
  return sockets;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Close();
    number_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() { return std::exchange(number_, -1); }

void Descriptor::Close() {
  if (is_open()) close(Release());
}

absl::StatusOr<ListeningSockets> Listen(const ListenAddress& address) {
  return address.is_unix() ? ListenOnPath(address) : ListenOnPort(address);
}

}  // namespace weightinit
