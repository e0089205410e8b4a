// Where a fetched tensor goes.

#ifndef WEIGHTINIT_CLIENT_TENSOR_SINK_H_
#define WEIGHTINIT_CLIENT_TENSOR_SINK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

// Takes a tensor piece by piece. Its methods are called by the thread that
// called WeightClient::Fetch, and only with what has passed verification. An
// error that one returns ends the fetch, which returns it.
class TensorSink {
 public:
  virtual ~TensorSink() = default;

  // First, exactly once, however often the stream was resumed.
  virtual absl::Status OnHeader(const v1::TensorDescription& /*description*/) {
    return absl::OkStatus();
  }

  // The next whole elements; `data` is not empty, is valid during the call, and
  // may stand at any address, aligned or not.
  virtual absl::Status OnData(absl::Span<const uint8_t> data) = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_TENSOR_SINK_H_
