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

// Takes a tensor in pieces, in any order: for a destination that can be written
// at any place, so that all cores can fill it. It gets only what has passed
// verification. An error that a method returns ends the fetch, which returns
// it.
class PieceSink {
 public:
  virtual ~PieceSink() = default;

  // First, exactly once, by the thread that called WeightClient::Fetch.
  virtual absl::Status OnHeader(const v1::TensorDescription& /*description*/) {
    return absl::OkStatus();
  }

  // Whole elements, which begin `offset` bytes after the first element that is
  // delivered. Several threads may call this at once; when the fetch has
  // succeeded, the pieces have covered the delivery once, without overlapping.
  // `data` is not empty, is valid during the call, and may stand at any
  // address.
  virtual absl::Status OnPiece(int64_t offset,
                               absl::Span<const uint8_t> data) = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_TENSOR_SINK_H_
