// Errors as gRPC sends them, with the details that machines read.

#ifndef WEIGHTINIT_PROTO_CPP_ERROR_DETAILS_H_
#define WEIGHTINIT_PROTO_CPP_ERROR_DETAILS_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "weightinit/core/violations.h"

namespace weightinit {

// At most this many violations go into BadRequest.
inline constexpr size_t kMaxFieldViolations = 16;

// A status whose details (the google.rpc.Status in grpc-status-details-bin)
// hold ErrorInfo{reason, domain "weightinit"} and, if there are any, the first
// kMaxFieldViolations violations as BadRequest; and RetryInfo, where a delay is
// given after which the call may pass. `message` is used when there
// are no violations; otherwise the message says the violations, and how many of
// them it leaves out. Clients accept 8 KiB of trailing metadata: texts are cut
// where the whole would come near that.
grpc::Status StatusWithDetails(grpc::StatusCode code, absl::string_view reason,
                               absl::string_view message,
                               const std::vector<Violation>& violations,
                               std::optional<absl::Duration> retry_delay = {});

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_ERROR_DETAILS_H_
