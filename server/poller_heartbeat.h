// Keeps the threads of gRPC awake.

#ifndef WEIGHTINIT_SERVER_POLLER_HEARTBEAT_H_
#define WEIGHTINIT_SERVER_POLLER_HEARTBEAT_H_

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "server/stream/ticker.h"

namespace weightinit {

// In gRPC 1.51 a thread that serves callbacks sleeps for 100 ms when it has had
// nothing to do for a second, and a new connection to a quiet server waits for
// it. So something is done several times a second: a health check within the
// process, which costs some ten microseconds.
class PollerHeartbeat {
 public:
  // `channel` leads to the server itself.
  explicit PollerHeartbeat(const std::shared_ptr<grpc::Channel>& channel);
  // Returns when no health check is under way.
  ~PollerHeartbeat();
  PollerHeartbeat(const PollerHeartbeat&) = delete;
  PollerHeartbeat& operator=(const PollerHeartbeat&) = delete;

 private:
  // Begins a check, whose end says so, unless one is under way.
  void Beat() ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::GenericStub stub_;

  absl::Mutex mutex_;
  absl::CondVar ended_;
  bool under_way_ ABSL_GUARDED_BY(mutex_) = false;

  std::optional<Ticker> ticker_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_POLLER_HEARTBEAT_H_
