#include "server/listen/acceptor.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weightinit {
namespace {

// What an event is about: a connection by its number, which is at least 0, or
// one of these. Listening sockets are below kListening by their descriptor.
constexpr int64_t kStop = -1;
constexpr int64_t kListening = -2;

// How long to wait for events while there is no connection.
constexpr absl::Duration kTick = absl::Milliseconds(200);
// How often connections are looked at. In this time a header that does not end
// takes some 40 MB of memory at most, from the moment on when it can be told.
constexpr absl::Duration kLookTick = absl::Milliseconds(40);
// While the kernel still sends what an ended connection has left.
constexpr absl::Duration kEndedTick = absl::Milliseconds(20);
constexpr absl::Duration kSendGrace = absl::Seconds(2);

// Without this one a listening socket that has a connection, of which nobody
// can take care, would be reported over and over.
constexpr absl::Duration kPause = absl::Milliseconds(10);

Descriptor OpenReserve() {
  return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool HasUnsent(int socket) {
  int bytes = 0;
  return ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Start(
    std::vector<ListeningSockets> sockets, int max_connections,
    Connections* connections, Serve serve) {
  std::unique_ptr<Acceptor> acceptor(new Acceptor(
      std::move(sockets), max_connections, connections, std::move(serve)));
  bool watched = acceptor->epoll_.is_open() && acceptor->stop_.is_open() &&
                 acceptor->Watch(acceptor->stop_.get(), EPOLLIN,
                                 static_cast<uint64_t>(kStop));
  for (const ListeningSockets& each : acceptor->sockets_) {
    for (const Descriptor& socket : each.descriptors) {
      watched =
          watched &&
          acceptor->Watch(socket.get(), EPOLLIN,
                          static_cast<uint64_t>(kListening - socket.get()));
    }
  }
  if (!watched) return absl::InternalError("cannot wait for connections");
  acceptor->thread_ = std::thread([raw = acceptor.get()] { raw->Work(); });
  return acceptor;
}

Acceptor::Acceptor(std::vector<ListeningSockets> sockets, int max_connections,
                   Connections* connections, Serve serve)
    : sockets_(std::move(sockets)),
      max_connections_(max_connections),
      connections_(connections),
      serve_(std::move(serve)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      reserve_(OpenReserve()) {}

Acceptor::~Acceptor() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    static_cast<void>(write(stop_.get(), &one, sizeof(one)));
    thread_.join();
  }
  for (const ListeningSockets& each : sockets_) {
    if (each.address.is_unix()) unlink(each.address.path.c_str());
  }
}

void Acceptor::StopListening() {
  const absl::MutexLock lock(&mutex_);
  listening_ = false;
  for (const ListeningSockets& each : sockets_) {
    for (const Descriptor& socket : each.descriptors) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket.get(), nullptr);
      shutdown(socket.get(), SHUT_RDWR);
    }
  }
}

bool Acceptor::Watch(int descriptor, uint32_t events, uint64_t data) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Acceptor::Work() {
  absl::Time next_look = absl::Now() + kLookTick;
  std::array<epoll_event, 64> events;
  for (;;) {
    absl::Duration wait = connections_->count() > 0 ? kLookTick : kTick;
    if (!ended_.empty()) wait = kEndedTick;
    const int count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                   static_cast<int>(absl::ToInt64Milliseconds(wait)));
    for (int i = 0; i < count; ++i) {
      const auto data =
          static_cast<int64_t>(events[static_cast<size_t>(i)].data.u64);
      if (data == kStop) return;
      if (data <= kListening) {
        Accept(static_cast<int>(kListening - data));
      } else {
        OnHangUp(data);
      }
    }
    const absl::Time now = absl::Now();
    ForgetEnded(now);
    if (now >= next_look) {
      connections_->CutIdle(now);
      connections_->CutFlooding();
      next_look = now + kLookTick;
    }
  }
}

void Acceptor::Accept(int listening_socket) {
  const absl::MutexLock lock(&mutex_);
  if (!listening_) return;
  Descriptor connection(accept4(listening_socket, nullptr, nullptr,
                                SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (connection.is_open()) {
    Keep(listening_socket, std::move(connection));
    return;
  }
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      ++refused_;
      // In its place the connection is accepted, and closed at once.
      reserve_.Close();
      connection =
          Descriptor(accept4(listening_socket, nullptr, nullptr, SOCK_CLOEXEC));
      connection.Close();
      reserve_ = OpenReserve();
      if (!reserve_.is_open()) absl::SleepFor(kPause);
      break;
    default:
      // The client has gone already, or another took the connection.
      break;
  }
}

void Acceptor::Keep(int listening_socket, Descriptor connection) {
  if (connections_->count() >= max_connections_) {
    ++refused_;
    return;
  }
  const int on = 1;
  // Fails on sockets of the file system, which need it not.
  static_cast<void>(
      setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
  const int64_t number = connections_->Add(connection.get(), absl::Now());
  if (number < 0) {
    ++refused_;
    return;
  }
  // Hanging up is always reported.
  if (!Watch(connections_->descriptor(number), 0,
             static_cast<uint64_t>(number))) {
    connections_->Remove(number);
    ++refused_;
    return;
  }
  serve_(listening_socket, connection.Release());
}

void Acceptor::OnHangUp(int64_t number) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connections_->descriptor(number),
            nullptr);
  ended_.push_back({number, absl::Now() + kSendGrace});
}

void Acceptor::ForgetEnded(absl::Time now) {
  const auto forgotten = [&](const Ended& ended) {
    // To close a connection that has input which nobody has read makes the
    // kernel drop what it has still to send.
    if (now < ended.deadline &&
        HasUnsent(connections_->descriptor(ended.number))) {
      return false;
    }
    connections_->Remove(ended.number);
    return true;
  };
  ended_.erase(std::remove_if(ended_.begin(), ended_.end(), forgotten),
               ended_.end());
}

}  // namespace weightinit
