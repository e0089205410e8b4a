// From the errors of gRPC to absl::Status.

#ifndef WEIGHTINIT_CLIENT_STATUS_CONVERSION_H_
#define WEIGHTINIT_CLIENT_STATUS_CONVERSION_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace weightinit {

// The same code and message. Violations of a google.rpc.BadRequest in the
// details that the message does not tell follow it, one line "field:
// description" each.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_STATUS_CONVERSION_H_
