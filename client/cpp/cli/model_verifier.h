// Whether a file holds a model.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_VERIFIER_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_VERIFIER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/cli/model_file.h"
#include "client/cpp/cli/progress.h"
#include "weightinit/client/model_sink.h"

namespace weightinit::cli {

// Compares a model, as it is computed, with a file that should hold it.
class ModelVerifier final : public ModelSink {
 public:
  // `expected` is the layout of the file, and outlives the verifier. DATA_LOSS:
  // the file's header or size is another. INTERNAL: it cannot be read.
  static absl::StatusOr<std::unique_ptr<ModelVerifier>> Open(
      const std::string& path, const ModelFile& expected);
  ~ModelVerifier() override;

  absl::Status OnSummary(const v1::ModelSummary& summary) override;
  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override;

  // DATA_LOSS: the first tensor of the model that differs, and its first
  // element that does.
  absl::Status Finish() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  ModelVerifier(std::string path, int fd, const ModelFile& expected)
      : path_(std::move(path)), fd_(fd), expected_(expected) {}

  // Reads all of `data` from `offset` on.
  absl::Status Read(int64_t offset, absl::Span<uint8_t> data) const;

  const std::string path_;
  const int fd_;
  const ModelFile& expected_;
  ProgressBar progress_;
  absl::Mutex mutex_;
  // The first difference found so far, by tensor, then by byte.
  bool differs_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t tensor_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t byte_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string name_ ABSL_GUARDED_BY(mutex_);
  int64_t element_bytes_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_VERIFIER_H_
