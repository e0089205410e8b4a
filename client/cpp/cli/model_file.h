// A model as a safetensors file.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FILE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// Where each tensor of a model is in its file, and the file's header: the same
// bytes for the same model, seed and selection, whatever the order of its
// entries and the version of this program. The order of the data is that of
// safetensors' own writer: larger elements first, then by name, so that
// everything is aligned.
//
// Filled by Add, then Finish; then immutable, and any thread may use it.
class ModelFile {
 public:
  // The next tensor of the model. INVALID_ARGUMENT: it cannot be stored. An
  // alias becomes a line of the metadata, as safetensors.torch.save_model
  // writes it.
  absl::Status Add(const v1::ModelTensor& tensor);

  void Finish(const v1::ModelSummary& summary);

  // What stands before the data.
  const std::string& header() const { return header_; }
  // Of the whole file.
  int64_t bytes() const { return bytes_; }
  // Where the data of the tensor begins, from the start of the file. REQUIRES:
  // it was added, and is no alias.
  int64_t OffsetOf(const v1::ModelTensor& tensor) const {
    return offsets_.at(tensor.index());
  }

 private:
  struct Tensor {
    int64_t index = 0;
    std::string name;
    v1::Dtype dtype = v1::DTYPE_UNSPECIFIED;
    std::vector<int64_t> shape;
    int64_t bytes = 0;
  };

  std::vector<Tensor> tensors_;
  std::map<std::string, std::string> aliases_;
  absl::flat_hash_map<int64_t, int64_t> offsets_;
  std::string header_;
  int64_t bytes_ = 0;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FILE_H_
