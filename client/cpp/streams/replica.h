// One of several equal servers, and how a call to it ended.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/status.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {

struct Replica {
  Replica(std::shared_ptr<grpc::Channel> to, absl::Duration stall_timeout,
          const std::string& token);

  // Shows the token with the call of this context.
  void Authorize(grpc::ClientContext& context) const;

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::WeightInitService::Stub> stub;
  // For streams, whose messages are decoded here.
  std::unique_ptr<grpc::GenericStub> generic_stub;
  // A call to which nothing comes for so long is broken.
  absl::Duration stall_timeout;
  std::string authorization;  // Empty for none.
};

// How one attempt at a call ended.
struct AttemptResult {
  absl::Status status;
  // Whether another attempt may mend it: the connection failed, or the server
  // has no room for the call now.
  bool broken = false;
  // Whether it delivered something.
  bool progress = false;
  // Of a broken one: whether it is the server that has no room.
  bool full = false;
  // Of a broken one: the address that was asked, if it was reached.
  std::string server;
};

// Of a call with this context.
AttemptResult ResultOf(const grpc::Status& status,
                       const grpc::ClientContext& context);

// What a call to which nothing came for `duration` ends with, and what ResultOf
// takes for broken.
grpc::Status StalledStatus(absl::Duration duration);

// How long a client waits before it tries again.
struct Backoff {
  absl::Duration initial;
  absl::Duration max;

  // The pause after `round` + 1 failures in a row: doubles with each, and is
  // shortened by up to half at random, so that clients which failed together do
  // not come back together.
  absl::Duration Pause(int round) const;
};

// How long a client waits before it asks a server again that wants to be left
// alone for `delay`: longer by up to half of it at random.
absl::Duration PauseOf(absl::Duration delay);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_H_
