// Accepts connections, and goes on when descriptors have run out.

#ifndef WEIGHTINIT_SERVER_LISTEN_ACCEPTOR_H_
#define WEIGHTINIT_SERVER_LISTEN_ACCEPTOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/listen/connections.h"
#include "server/listen/listening_socket.h"

namespace weightinit {

// A thread that accepts what comes on listening sockets and hands it on. The
// listener of gRPC 1.51 never accepts again once a descriptor was wanting
// (CVE-2023-4785); this one then closes the connection that it cannot keep, so
// that the client knows, and accepts the next.
class Acceptor {
 public:
  // Takes a connection, a descriptor that it owns, which came on a socket.
  using Serve = std::function<void(int listening_socket, int connection)>;

  // Accepts at most `max_connections` at once; more are closed at once.
  // `connections` keeps them, and outlives the acceptor. INTERNAL: the system
  // has no descriptors for it.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(
      std::vector<ListeningSockets> sockets, int max_connections,
      Connections* connections, Serve serve);

  // Stops listening; connections stay.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Accepts no more: when it returns, nothing is served any more, and whoever
  // comes is refused. Connections are looked after as before.
  void StopListening() ABSL_LOCKS_EXCLUDED(mutex_);

  // Connections that were closed at once, because there were too many or no
  // descriptor was left.
  int64_t refused() const { return refused_; }

 private:
  Acceptor(std::vector<ListeningSockets> sockets, int max_connections,
           Connections* connections, Serve serve);

  void Work();
  void Accept(int listening_socket) ABSL_LOCKS_EXCLUDED(mutex_);
  void Keep(int listening_socket, Descriptor connection);
  // A connection of which both ends are through.
  void OnHangUp(int64_t number);
  // Forgets those that have nothing left to send, or have had the time to.
  void ForgetEnded(absl::Time now);
  bool Watch(int descriptor, uint32_t events, uint64_t data);

  struct Ended {
    int64_t number;
    absl::Time deadline;
  };

  const std::vector<ListeningSockets> sockets_;
  const int max_connections_;
  Connections* const connections_;
  const Serve serve_;

  Descriptor epoll_;
  Descriptor stop_;
  // Closed to accept a connection that is then closed.
  Descriptor reserve_;
  std::vector<Ended> ended_;
  // Held while a connection is accepted and served.
  absl::Mutex mutex_;
  bool listening_ ABSL_GUARDED_BY(mutex_) = true;
  std::atomic<int64_t> refused_{0};
  std::thread thread_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_LISTEN_ACCEPTOR_H_
