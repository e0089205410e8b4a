// One of several equal servers, and how a call to it ended.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/status.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {

struct Replica {
  explicit Replica(std::shared_ptr<grpc::Channel> to);

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::WeightInitService::Stub> stub;
  // For streams, whose messages are decoded here.
  std::unique_ptr<grpc::GenericStub> generic_stub;
};

// How one attempt at a call ended.
struct AttemptResult {
  absl::Status status;
  // Whether another attempt may mend it: the connection failed, not the call.
  bool broken = false;
  // Whether it delivered something.
  bool progress = false;
};

AttemptResult ResultOf(const grpc::Status& status);

// How long a client waits before it tries again.
struct Backoff {
  absl::Duration initial;
  absl::Duration max;

  // The pause after `round` + 1 failures in a row: doubles with each, and is
  // shortened by up to half at random, so that clients which failed together do
  // not come back together.
  absl::Duration Pause(int round) const;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_REPLICA_H_
