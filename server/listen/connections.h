// The connections that a server has accepted.

#ifndef WEIGHTINIT_SERVER_LISTEN_CONNECTIONS_H_
#define WEIGHTINIT_SERVER_LISTEN_CONNECTIONS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/listen/listening_socket.h"

namespace weightinit {

// Counts connections and the calls on them, and cuts those that have had no
// call for too long, have sent too much without one, or begin calls in order to
// cancel them. gRPC owns the
// connections and closes idle ones itself, but not one whose request never
// ends, since it tells nobody of a call before the request is whole. So each is
// kept here by a second descriptor, which is enough to notice its end and to
// bring it about. Thread-safe.
class Connections {
 public:
  // A call of the connection; it ends with this object.
  class Call {
   public:
    Call() = default;
    Call(Call&& other) noexcept
        : connections_(std::exchange(other.connections_, nullptr)),
          number_(other.number_) {}
    Call& operator=(Call&&) = delete;
    ~Call();

    // The client has cancelled it before anything was sent for it.
    void TakeBack();

   private:
    friend class Connections;
    Call(Connections* connections, int64_t number)
        : connections_(connections), number_(number) {}

    Connections* connections_ = nullptr;
    int64_t number_ = 0;
  };

  // A connection may be without a call for `max_idle`.
  explicit Connections(absl::Duration max_idle) : max_idle_(max_idle) {}
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Keeps a connection, by a descriptor of its own; returns its number, or -1
  // where the process has no descriptor left.
  int64_t Add(int socket, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  // The second descriptor of a connection: it reports EPOLLHUP when gRPC and
  // the client have ended it. REQUIRES: the connection is kept.
  int descriptor(int64_t number) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets a connection that has ended.
  void Remove(int64_t number) ABSL_LOCKS_EXCLUDED(mutex_);

  // A call has come on the connection of `peer`, as gRPC writes it
  // ("ipv4:127.0.0.1:40000"). Nothing for a peer that is not known, such as one
  // of a socket in the file system, which has no name.
  Call Begin(const std::string& peer) ABSL_LOCKS_EXCLUDED(mutex_);

  // Cuts what has had no call for max_idle; returns how many were cut.
  int CutIdle(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  // Cuts what has sent far more than a call takes, and no call has come of it:
  // a header that does not end, say, which gRPC 1.51 keeps in memory whole.
  // Returns how many were cut. Call it again and again.
  int CutFlooding() ABSL_LOCKS_EXCLUDED(mutex_);

  // How many there are.
  int count() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Connection {
    Descriptor descriptor;
    std::string peer;
    int calls = 0;
    absl::Time idle_since;
    // Whether a call has come since CutFlooding looked last, and what had been
    // received when it saw the last of them.
    bool called = false;
    uint64_t received = 0;
    // How many calls have been taken back, less what time forgives.
    double taken_back = 0;
    absl::Time taken_back_at = absl::InfinitePast();
  };

  // Cuts the connection when too many calls were taken back within a short
  // time (CVE-2023-44487, "rapid reset": each costs the server all of a call,
  // and no limit of streams at once holds it back).
  void TakeBack(int64_t number) ABSL_LOCKS_EXCLUDED(mutex_);

  // A call of the connection has ended, which may have ended before.
  void End(int64_t number) ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration max_idle_;

  mutable absl::Mutex mutex_;
  int64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<int64_t, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int64_t> numbers_ ABSL_GUARDED_BY(mutex_);
};

// How gRPC names the other end of a socket; empty for one in the file system,
// or of IPv6 within one link, whose connections are not cut.
std::string PeerOf(int socket);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_LISTEN_CONNECTIONS_H_
