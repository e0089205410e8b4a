// What makes the download of a model that was broken off go on: which parts of
// it are there, and whether they are still intact.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PARTIAL_MODEL_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PARTIAL_MODEL_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "client/cpp/cli/model_files.h"
#include "client/cpp/cli/model_layout.h"
#include "client/cpp/cli/state_file.h"
#include "proto/cpp/coverage.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// Bytes of the model that follow each other and are not there yet.
struct MissingPart {
  v1::InitializeModelRequest request;  // For these alone.
  // Where they begin in the request's first_tensor, in bytes.
  int64_t first_byte = 0;
};

// Keeps, beside what ModelOutput writes, PARTIAL.state: a line with a SHA-256
// of all that says which bytes go where; then a line for each run of bytes that
// is there, with the index of its tensor, its place in that, its length and its
// CRC-32. Not thread-safe, but for Add.
class PartialModel {
 public:
  // `output` was opened with keep_partial, `layout` is the finished one of what
  // `request` asks for, `summary` the answer's. All of them have to outlive
  // this.
  PartialModel(ModelOutput& output, const ModelLayout& layout,
               const v1::InitializeModelRequest& request,
               const v1::ModelSummary& summary);

  // Finds out what is there of the same files, intact by its CRC-32; empties
  // the files if it is nothing. Returns a sentence about what was there and is
  // of no use; empty if there is no such thing. An error is INTERNAL.
  absl::StatusOr<std::string> Restore();

  // Bytes of the tensors that are there.
  int64_t bytes() const;
  std::vector<MissingPart> Missing() const;

  // `data` has been written, `offset` bytes behind the start of the tensor with
  // that index. REQUIRES: nothing of it was there. Saves now and then, for a
  // process that ends without a chance to.
  void Add(int64_t tensor, int64_t offset, absl::Span<const uint8_t> data)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Brings PARTIAL.state up to date. Where that fails, the next download starts
  // anew.
  void Save() ABSL_LOCKS_EXCLUDED(mutex_);

  // Removes it, once the files are complete.
  void Remove() ABSL_LOCKS_EXCLUDED(mutex_);

  // REQUIRES: nothing is missing.
  Crc32s crc32s() const;
  // Of all tensors, in the order of the model.
  uint32_t crc32() const;

 private:
  struct Tensor {
    int64_t index = 0;
    int64_t bytes = 0;
    int64_t element_bytes = 0;
    Coverage there;
  };
  struct Run {
    int64_t tensor = 0;
    int64_t offset = 0;
    int64_t bytes = 0;
    uint32_t crc32 = 0;
  };

  // Null: there is none with that index.
  Tensor* Find(int64_t index);
  // What PARTIAL.state, whose text this is, tells of; nothing if it is not one
  // of these files.
  std::vector<Run> RunsOf(const std::string& state) const;
  // Whether the run is one of whole elements that were not there before, and
  // the files have it.
  bool IsIntact(const Run& run, const Tensor& tensor) const;
  void SaveLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The text of PARTIAL.state, and of what came since it was saved last.
  std::string WholeText() const;
  std::string UnsavedText() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ModelOutput& output_;
  const ModelLayout& layout_;
  const v1::InitializeModelRequest& request_;
  const std::string first_line_;
  absl::Mutex mutex_;
  StateFile state_ ABSL_GUARDED_BY(mutex_);
  // In the order of the model. Changed by Restore, then by Add.
  std::vector<Tensor> tensors_;
  // By index: what came since it was saved last.
  std::map<int64_t, Coverage> unsaved_ ABSL_GUARDED_BY(mutex_);
  int64_t unsaved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Whether PARTIAL.state has all but `unsaved_`.
  bool has_state_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PARTIAL_MODEL_H_
