// Errors as absl::Status and as gRPC sends them. The codes are the same
// numbers.

#ifndef WEIGHTINIT_PROTO_CPP_STATUS_CONVERSION_H_
#define WEIGHTINIT_PROTO_CPP_STATUS_CONVERSION_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace weightinit {

// The same error as gRPC sends it. Its details are a google.rpc.Status with
// ErrorInfo and, if the error names violated fields
// (weightinit/core/violations.h), BadRequest with the first 16 of them. Texts
// are shortened where the whole would come near the 8 KiB that clients accept
// as trailing metadata; the message then says how many are left out. A delay of
// WithRetryDelay becomes RetryInfo. RESOURCE_EXHAUSTED without one says that
// the call is too large for the server. REQUIRES: `status` is not OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The same code and message. Violations of a google.rpc.BadRequest in the
// details that the message does not tell follow it, one line "field:
// description" each. RetryInfo becomes what RetryDelayOf returns.
absl::Status FromGrpcStatus(const grpc::Status& status);

// Whether the server has no room for the call now, and may have later:
// RESOURCE_EXHAUSTED, unless the call is itself too large.
bool IsFull(const grpc::Status& status);

// The same error, which passes if the call is made again after `delay`.
// REQUIRES: `status` is not OK, and `delay` is at least 0 and finite.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// The same error, for another reason than an error of its code usually has: a
// word such as TOO_MANY_STREAMS. REQUIRES: `status` is not OK.
absl::Status WithReason(absl::Status status, absl::string_view reason);

// Why, in the terms of google.rpc.ErrorInfo: one of few words, which
// ToGrpcStatus sends. REQUIRES: `status` is not OK.
std::string ReasonOf(const absl::Status& status);

// The delay that `status` has, if it has one.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_STATUS_CONVERSION_H_
