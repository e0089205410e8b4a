#include "client/cpp/streams/replica.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/status.h"
#include "proto/cpp/status_conversion.h"

namespace weightinit {
namespace {

// Whether the connection failed, and not the call: UNAVAILABLE, or INTERNAL or
// CANCELLED made up by gRPC itself from an HTTP/2 RST_STREAM. This client never
// cancels a call whose status it then looks at.
bool IsBroken(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::UNAVAILABLE:
      return true;
    case grpc::INTERNAL:
    case grpc::CANCELLED:
      return absl::StrContains(status.error_message(), "RST_STREAM");
    default:
      return false;
  }
}

}  // namespace

Replica::Replica(std::shared_ptr<grpc::Channel> to)
    : channel(std::move(to)),
      stub(v1::WeightInitService::NewStub(channel)),
      generic_stub(std::make_unique<grpc::GenericStub>(channel)) {}

AttemptResult ResultOf(const grpc::Status& status) {
  return {FromGrpcStatus(status), IsBroken(status), false};
}

absl::Duration Backoff::Pause(int round) const {
  const absl::Duration longest = std::min(max, initial * std::exp2(round));
  std::random_device random;
  return longest * std::uniform_real_distribution<double>(0.5, 1.0)(random);
}

}  // namespace weightinit
