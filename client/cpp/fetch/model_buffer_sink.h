// A model into memory of the caller's.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_MODEL_BUFFER_SINK_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_MODEL_BUFFER_SINK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "weightinit/client/model_buffers.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {

// Compares buffers with the tensors that are going to be delivered. Not
// thread-safe.
class ModelBufferCheck {
 public:
  // `buffers` has to outlive the check.
  explicit ModelBufferCheck(const ModelBuffers& buffers) : buffers_(buffers) {}

  // The next tensor.
  void Add(const v1::ModelTensor& tensor);

  // When all have been added. INVALID_ARGUMENT names the buffers that are
  // missing, too small or of no tensor, the first 16 of them.
  absl::Status Finish();

 private:
  void AddViolation(const std::string& name, const std::string& description);

  const ModelBuffers& buffers_;
  absl::flat_hash_set<std::string> used_;
  std::vector<Violation> violations_;
};

// Fills buffers that have been found good.
class ModelBufferSink final : public ModelSink {
 public:
  // `buffers` has to outlive the sink.
  explicit ModelBufferSink(const ModelBuffers& buffers) : buffers_(buffers) {}

  // DATA_LOSS: the tensor is not as large as it was described.
  absl::Status OnTensor(const v1::ModelTensor& tensor) override;
  absl::Span<uint8_t> MemoryFor(const v1::ModelTensor& tensor) override;
  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override;

 private:
  const ModelBuffers& buffers_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_MODEL_BUFFER_SINK_H_
