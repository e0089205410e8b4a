// The server around the service: listening, limits, health, reflection, drain.

#ifndef WEIGHTINIT_SERVER_SERVER_H_
#define WEIGHTINIT_SERVER_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/security/security_options.h"
#include "server/stream/stream_admission.h"
#include "server/stream/stream_watch.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/root_seed.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace weightinit {

class CallObserver;

// What connections cost and how long they may take.
struct ConnectionOptions {
  // At once, at least 1; more are closed as they come. Each takes two file
  // descriptors.
  int max_connections = 4096;
  // Without a call, after which it is closed: it was left open, never spoke, or
  // has begun a request that does not end.
  absl::Duration max_idle = absl::Minutes(5);
  // After which the client is told to connect anew, so that load balancers can
  // spread it; its streams go on.
  absl::Duration max_age = absl::InfiniteDuration();
  // The server asks a connection that has been silent for this long whether it
  // is alive.
  absl::Duration keepalive = absl::Seconds(60);
};

struct ServerOptions {
  // Which requests are served.
  Limits limits;
  // How many at once. A stream holds at most three chunks.
  AdmissionLimits admission;
  StreamPatience patience;
  ConnectionOptions connections;
  SecurityOptions security;

  // Where: HOST:PORT, port 0 for a free one, or unix:PATH; empty for nowhere,
  // when only InProcessChannel reaches the server.
  std::vector<std::string> listen = {"127.0.0.1:50051"};

  // What seeds of names are derived from; null for none.
  std::shared_ptr<const RootSeed> root_seed;

  // How fast: threads that compute chunks; 0 for one per core.
  int generator_threads = 0;

  // Told of every call of WeightInitService; null for none. It outlives the
  // server.
  CallObserver* observer = nullptr;
};

// Serves WeightInitService, grpc.health.v1.Health and reflection, until it is
// drained. Thread-safe, except that Drain and the destructor are called by one
// thread, which is none of gRPC's.
class Server {
 public:
  // INVALID_ARGUMENT: an option out of its range. UNAVAILABLE: an address
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options);

  // Whether these are options to start with; nothing listens. Reads the files
  // that they name. INVALID_ARGUMENT as from Start.
  static absl::Status Check(const ServerOptions& options);

  // Drains without waiting for running streams.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Health turns NOT_SERVING; everything is served as before, while load
  // balancers take notice.
  void AnnounceDrain();

  // Stops serving: health turns NOT_SERVING, new streams are refused with
  // UNAVAILABLE, running streams go on for up to `grace` and are cancelled
  // then. Connections are told to go away when the last stream has ended.
  // Returns when nothing runs any more, and how many streams were cancelled. A
  // second call does nothing.
  int Drain(absl::Duration grace);

  // Where it listens, as given, with the real port.
  const std::vector<std::string>& addresses() const;
  // The first of them; empty without any.
  std::string address() const;
  // Of the first TCP port; 0 without any.
  int port() const;

  // A channel that does not go through the network. The server outlives it.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Streams that take one of max_streams places.
  int active_streams() const;
  // Memory that they may hold, in bytes.
  int64_t bytes_held() const;
  // Chunk buffers that streams hold.
  int64_t buffers_in_use() const;
  // Frees what is kept for the next streams.
  void FreeUnusedBuffers();
  // Streams whose clients do not read.
  int stalled_streams() const;
  int connections() const;
  // False from AnnounceDrain or Drain on.
  bool serving() const;
  // How long its threads have computed, all together.
  absl::Duration generation_time() const;
  // Of certificates and the access file.
  SecurityFigures security_figures() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SERVER_H_
