// The server around the service: listening, limits, health, reflection, drain.

#ifndef WEIGHTINIT_SERVER_SERVER_H_
#define WEIGHTINIT_SERVER_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/root_seed.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace weightinit {

class CallObserver;

struct ServerOptions {
  // Which requests are served.
  Limits limits;
  // Streams at once, at least 1. A stream holds at most three chunks.
  int max_streams = 256;

  // Where: HOST:PORT, port 0 for a free one; empty for no port at all, when
  // only InProcessChannel reaches the server.
  std::string listen = "127.0.0.1:50051";

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
  // INVALID_ARGUMENT: an option out of its range. UNAVAILABLE: the address
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options);

  // Drains without waiting for running streams.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Stops serving: health turns NOT_SERVING, new streams are refused with
  // UNAVAILABLE, running streams go on for up to `grace` and are cancelled
  // then. Connections are told to go away when the last stream has ended.
  // Returns when nothing runs any more. A second call does nothing.
  void Drain(absl::Duration grace);

  // HOST:PORT with the real port; empty without a port.
  const std::string& address() const;
  // 0 without a port.
  int port() const;

  // A channel that does not go through the network. The server outlives it.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Streams that take one of max_streams places.
  int active_streams() const;
  // Memory that they may hold, in bytes.
  int64_t bytes_held() const;
  // Chunk buffers that streams hold.
  int64_t buffers_in_use() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SERVER_H_
