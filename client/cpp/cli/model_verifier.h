// Whether files hold a model.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_VERIFIER_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/model_layout.h"
#include "client/cpp/cli/progress.h"
#include "weightinit/client/model_sink.h"

namespace weightinit::cli {

// Compares a model, as it is computed, with files that should hold it.
class ModelVerifier final : public ModelSink {
 public:
  // `expected` is the layout of the files, and outlives the verifier.
  // DATA_LOSS: one is missing, or its header or size is another. NOT_FOUND: it
  // is all there is to verify, and is not there. INTERNAL: one cannot be read.
  static absl::StatusOr<std::unique_ptr<ModelVerifier>> Open(
      const std::string& path, const ModelLayout& expected);

  absl::Status OnSummary(const v1::ModelSummary& summary) override;
  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override;
  absl::Status OnTensorEnd(const v1::ModelTensor& tensor,
                           uint32_t crc32) override;

  // DATA_LOSS: the first tensor of the model that differs, and its first
  // element that does; or what follows the data differs.
  absl::Status Finish() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit ModelVerifier(const ModelLayout& expected) : expected_(expected) {}

  // DATA_LOSS: the size of file number `file` is another.
  absl::Status CheckSize(size_t file) const;
  // DATA_LOSS: other bytes are there.
  absl::Status Compare(const std::vector<FixedBytes>& fixed) const;
  // DATA_LOSS, with the difference of the file's list of tensors, or else
  // `what`.
  absl::Status Differs(size_t file, const std::string& what) const;

  const ModelLayout& expected_;
  std::vector<std::unique_ptr<InputFile>> files_;  // As in the layout.
  ProgressBar progress_;
  Crc32s crc32s_;  // OnTensorEnd is called one at a time.
  absl::Mutex mutex_;
  // The first difference found so far, by tensor, then by byte.
  bool differs_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t tensor_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t byte_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string name_ ABSL_GUARDED_BY(mutex_);
  size_t file_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t element_bytes_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_VERIFIER_H_
