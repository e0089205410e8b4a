// Where a fetched model goes.

#ifndef WEIGHTINIT_CLIENT_MODEL_SINK_H_
#define WEIGHTINIT_CLIENT_MODEL_SINK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {

// Takes the tensors of a model in pieces: for destinations that can be written
// at any place, so that all cores can fill them. It gets only what has passed
// verification. An error that a method returns ends the fetch, which returns
// it.
//
// OnSummary, OnTensor and OnTensorEnd are called one at a time, by any thread.
class ModelSink {
 public:
  virtual ~ModelSink() = default;

  // First, exactly once, however often the stream was resumed.
  virtual absl::Status OnSummary(const v1::ModelSummary& /*summary*/) {
    return absl::OkStatus();
  }

  // Each tensor once, in the order of the model, before any of its pieces. An
  // alias has no pieces and no end.
  virtual absl::Status OnTensor(const v1::ModelTensor& /*tensor*/) {
    return absl::OkStatus();
  }

  // Memory of the sink's for all that is delivered of `tensor`, in order, at
  // least as many bytes; empty if it has none. Called after OnTensor, one at a
  // time. The client may put elements there itself, also before they have
  // passed verification; then `data` of OnPiece is a part of this memory, and
  // is not to be copied again. Or it may not, and `data` stands elsewhere.
  virtual absl::Span<uint8_t> MemoryFor(const v1::ModelTensor& /*tensor*/) {
    return {};
  }

  // Whole elements of `tensor`, which begin `offset` bytes after the first
  // element that is delivered of it. Several threads may call this at once,
  // also for several tensors; the pieces of a tensor cover it once, without
  // overlapping. `data` is not empty, is valid during the call, and may stand
  // at any address.
  virtual absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                               absl::Span<const uint8_t> data) = 0;

  // After all pieces of `tensor`; `crc32` is of all of them, in their order.
  virtual absl::Status OnTensorEnd(const v1::ModelTensor& /*tensor*/,
                                   uint32_t /*crc32*/) {
    return absl::OkStatus();
  }
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_MODEL_SINK_H_
