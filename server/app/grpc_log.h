// What gRPC says itself.

#ifndef WEIGHTINIT_SERVER_APP_GRPC_LOG_H_
#define WEIGHTINIT_SERVER_APP_GRPC_LOG_H_

#include "server/app/logging.h"

namespace weightinit {

// From now on it stands in `log`, in its format, which is never destroyed. What
// gRPC says, and from which level on, is set by its own variables, such as
// GRPC_VERBOSITY; `log` may leave out more.
void SendGrpcLogTo(Log* log);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_GRPC_LOG_H_
