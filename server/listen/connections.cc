#include "server/listen/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weightinit {
namespace {

// Two of the largest requests at once.
constexpr uint64_t kFloodBytes = uint64_t{8} << 20;
// Who reads a stream tells so, which is less than a byte for so many sent.
constexpr uint64_t kSentPerByte = 64;

// Somebody who gives up early does so for a batch of calls, or now and then;
// who attacks can send ten thousands a second. One thread starts some 15,000
// calls a second, so the first limit is what others may have to wait for.
constexpr double kTakenBackAtOnce = 500;
constexpr double kTakenBackPerSecond = 200;

struct ByteCounts {
  uint64_t received = 0;
  uint64_t sent = 0;  // And seen by the other end.
};

// Of a TCP connection; nothing of another socket.
ByteCounts BytesOf(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {info.tcpi_bytes_received, info.tcpi_bytes_acked};
}

}  // namespace

Connections::Call::~Call() {
  if (connections_ != nullptr) connections_->End(number_);
}

void Connections::Call::TakeBack() {
  if (connections_ != nullptr) connections_->TakeBack(number_);
}

int64_t Connections::Add(int socket, absl::Time now) {
  Connection connection;
  connection.descriptor = Descriptor(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (!connection.descriptor.is_open()) return -1;
  connection.peer = PeerOf(socket);
  connection.idle_since = now;
  const absl::MutexLock lock(&mutex_);
  const int64_t number = next_number_++;
  if (!connection.peer.empty()) numbers_[connection.peer] = number;
  connections_.emplace(number, std::move(connection));
  return number;
}

int Connections::descriptor(int64_t number) const {
  const absl::MutexLock lock(&mutex_);
  return connections_.at(number).descriptor.get();
}

void Connections::Remove(int64_t number) {
  const absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  // The port may belong to a later connection already.
  const auto named = numbers_.find(found->second.peer);
  if (named != numbers_.end() && named->second == number) {
    numbers_.erase(named);
  }
  connections_.erase(found);
}

Connections::Call Connections::Begin(const std::string& peer) {
  const absl::MutexLock lock(&mutex_);
  const auto named = numbers_.find(peer);
  if (named == numbers_.end()) return {};
  Connection& connection = connections_.at(named->second);
  ++connection.calls;
  connection.called = true;
  return Call(this, named->second);
}

void Connections::TakeBack(int64_t number) {
  const absl::Time now = absl::Now();
  const absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  const double forgiven =
      absl::ToDoubleSeconds(now - connection.taken_back_at) *
      kTakenBackPerSecond;
  connection.taken_back = std::max(0.0, connection.taken_back - forgiven) + 1;
  connection.taken_back_at = now;
  if (connection.taken_back > kTakenBackAtOnce) {
    shutdown(connection.descriptor.get(), SHUT_RDWR);
  }
}

void Connections::End(int64_t number) {
  const absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  --found->second.calls;
  found->second.idle_since = absl::Now();
}

int Connections::CutIdle(absl::Time now) {
  const absl::MutexLock lock(&mutex_);
  int cut = 0;
  for (auto& [number, connection] : connections_) {
    if (connection.peer.empty() || connection.calls > 0 ||
        now - connection.idle_since < max_idle_) {
      continue;
    }
    shutdown(connection.descriptor.get(), SHUT_RDWR);
    // Once, although its end may take a moment to be noticed.
    connection.idle_since = absl::InfiniteFuture();
    ++cut;
  }
  return cut;
}

int Connections::CutFlooding() {
  const absl::MutexLock lock(&mutex_);
  int cut = 0;
  for (auto& [number, connection] : connections_) {
    const auto [received, sent] = BytesOf(connection.descriptor.get());
    if (std::exchange(connection.called, false)) connection.received = received;
    if (connection.peer.empty() ||
        received - connection.received <= kFloodBytes + sent / kSentPerByte) {
      continue;
    }
    shutdown(connection.descriptor.get(), SHUT_RDWR);
    connection.received = received;
    ++cut;
  }
  return cut;
}

int Connections::count() const {
  const absl::MutexLock lock(&mutex_);
  return static_cast<int>(connections_.size());
}

std::string PeerOf(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    return "";
  }
  if (peer.ss_family == AF_INET) {
    const auto* const address = reinterpret_cast<const sockaddr_in*>(&peer);
    inet_ntop(AF_INET, &address->sin_addr, host.data(), host.size());
    return absl::StrCat("ipv4:", host.data(), ":", ntohs(address->sin_port));
  }
  if (peer.ss_family == AF_INET6) {
    const auto* const address = reinterpret_cast<const sockaddr_in6*>(&peer);
    // gRPC writes what came by IPv4 to a socket of both as IPv4.
    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
      inet_ntop(AF_INET, &address->sin6_addr.s6_addr[12], host.data(),
                host.size());
      return absl::StrCat("ipv4:", host.data(), ":", ntohs(address->sin6_port));
    }
    // gRPC adds the zone of an address of one link.
    if (address->sin6_scope_id != 0) return "";
    inet_ntop(AF_INET6, &address->sin6_addr, host.data(), host.size());
    return absl::StrCat("ipv6:%5B", host.data(),
                        "%5D:", ntohs(address->sin6_port));
  }
  return "";
}

}  // namespace weightinit
