// The whole service inside the calling process: what a client uses when it is
// given no server. Nothing else of server/ is needed beside this header.

#ifndef WEIGHTINIT_SERVER_IN_PROCESS_H_
#define WEIGHTINIT_SERVER_IN_PROCESS_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace weightinit {

struct InProcessOptions {
  // Which requests are served: elements of one tensor, before slicing.
  int64_t max_elements = Limits{}.max_elements;

  // How fast: threads that compute chunks; 0 for one per core.
  int generator_threads = 0;
};

// A channel to a server of its own, which opens no port, writes no log and
// lives as long as the channel (and every stub made of it). The last owner lets
// go of it on a thread that is none of gRPC's, not in a callback; that cancels
// what still runs. INVALID_ARGUMENT: an option out of its range.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeInProcessChannel(
    const InProcessOptions& options = {});

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_IN_PROCESS_H_
