#include "client/cpp/streams/replica.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
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

// "ipv6:%5B::1%5D:50051" as people write it. Only after the call: before, gRPC
// does not know.
std::string AddressOf(const grpc::ClientContext& context) {
  const std::string peer = context.peer();
  absl::string_view address = peer;
  if (!absl::ConsumePrefix(&address, "ipv4:")) {
    absl::ConsumePrefix(&address, "ipv6:");
  }
  return absl::StrReplaceAll(address, {{"%5B", "["}, {"%5D", "]"}});
}

double Random(double low, double high) {
  std::random_device random;
  return std::uniform_real_distribution<double>(low, high)(random);
}

}  // namespace

Replica::Replica(std::shared_ptr<grpc::Channel> to, absl::Duration stall,
                 const std::string& token)
    : channel(std::move(to)),
      stub(v1::WeightInitService::NewStub(channel)),
      generic_stub(std::make_unique<grpc::GenericStub>(channel)),
      stall_timeout(stall),
      authorization(token.empty() ? "" : absl::StrCat("Bearer ", token)) {}

void Replica::Authorize(grpc::ClientContext& context) const {
  if (!authorization.empty()) {
    context.AddMetadata("authorization", authorization);
  }
}

AttemptResult ResultOf(const grpc::Status& status,
                       const grpc::ClientContext& context) {
  AttemptResult result;
  result.status = FromGrpcStatus(status);
  result.full = IsFull(status);
  result.broken = result.full || IsBroken(status);
  if (result.broken) result.server = AddressOf(context);
  return result;
}

grpc::Status StalledStatus(absl::Duration duration) {
  return {grpc::UNAVAILABLE, absl::StrCat("nothing came from the server for ",
                                          absl::FormatDuration(duration))};
}

absl::Duration Backoff::Pause(int round) const {
  return std::min(max, initial * std::exp2(round)) * Random(0.5, 1.0);
}

absl::Duration PauseOf(absl::Duration delay) {
  return delay * Random(1.0, 1.5);
}

}  // namespace weightinit
