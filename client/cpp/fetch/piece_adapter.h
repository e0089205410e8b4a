// A sink that takes pieces in order, in front of one that takes them in any.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_PIECE_ADAPTER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_PIECE_ADAPTER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "weightinit/client/tensor_sink.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

// Hands what comes in order to a sink that takes it in any order.
class PieceAdapter final : public TensorSink {
 public:
  // `sink` has to outlive the adapter.
  explicit PieceAdapter(PieceSink& sink) : sink_(sink) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override {
    return sink_.OnHeader(description);
  }

  absl::Status OnData(absl::Span<const uint8_t> data) override {
    const int64_t offset = offset_;
    offset_ += static_cast<int64_t>(data.size());
    return sink_.OnPiece(offset, data);
  }

 private:
  PieceSink& sink_;
  int64_t offset_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_PIECE_ADAPTER_H_
