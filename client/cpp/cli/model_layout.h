// Where the bytes of a model go: in which file, and where in it.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_LAYOUT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "client/cpp/cli/input_file.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// A tensor as it is stored.
struct StoredTensor {
  int64_t index = 0;  // Among the model's.
  std::string name;
  v1::Dtype dtype = v1::DTYPE_UNSPECIFIED;
  std::vector<int64_t> shape;  // Of what is stored of it.
  int64_t bytes = 0;
  int64_t byte_offset = 0;    // Bytes before it in the order of the model.
  std::string part_metadata;  // See PartMetadata; empty for a whole model.

  int64_t element_bytes() const;
};

// One of the files.
struct ModelFile {
  // In its directory; empty for a model that is one file of any name.
  std::string name;
  int64_t bytes = 0;
};

// Bytes of a file that are no tensor's data.
struct FixedBytes {
  size_t file = 0;
  int64_t offset = 0;
  std::string bytes;
  std::string tensor;  // That they are about; empty if not of one alone.
};

// By StoredTensor::index.
using Crc32s = absl::flat_hash_map<int64_t, uint32_t>;

// Where each tensor of a model is stored, and what stands around them: the same
// for the same model, seed and selection, whatever the order of the model's
// entries and the version of this program; only a raw file has the order of the
// model.
//
// Filled by Add, then Finish; then immutable, and any thread may use it.
class ModelLayout {
 public:
  struct Place {
    size_t file = 0;     // In files().
    int64_t offset = 0;  // From the start of the file.
  };

  ModelLayout() = default;
  ModelLayout(const ModelLayout&) = delete;
  ModelLayout& operator=(const ModelLayout&) = delete;
  virtual ~ModelLayout() = default;

  // The next tensor of the model. INVALID_ARGUMENT: it cannot be stored.
  absl::Status Add(const v1::ModelTensor& tensor);

  // After the last tensor. DATA_LOSS: the files that are there, whose layout
  // this should be, are those of another model.
  absl::Status Finish(const v1::ModelSummary& summary);

  // In the order of the files; aliases are none.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const std::vector<ModelFile>& files() const { return files_; }
  // Of all files.
  int64_t bytes() const;
  // Where the data of a tensor begins, by its StoredTensor::index. REQUIRES: it
  // was added, and is no alias.
  Place PlaceOf(int64_t tensor) const { return places_.at(tensor); }
  // What is known before any data.
  const std::vector<FixedBytes>& ahead() const { return ahead_; }
  // What follows from the data; `crc32s` has those of all tensors.
  virtual std::vector<FixedBytes> Behind(const Crc32s& /*crc32s*/) const {
    return {};
  }

  // In what the list of tensors that `there`, the file number `file`, holds is
  // another, such as "its header has no tensor \"x\""; empty if it is the same,
  // or cannot be read.
  virtual std::string Difference(size_t /*file*/,
                                 const InputFile& /*there*/) const {
    return "";
  }

 protected:
  // Whether a tensor or alias may have the name.
  virtual absl::Status CheckTensor(const std::string& name) const = 0;
  virtual absl::Status CheckAlias(const std::string& name) const = 0;
  // Sets the three below.
  virtual absl::Status LayOut(const v1::ModelSummary& summary) = 0;

  // From their names to those of the tensors that they stand for.
  const std::map<std::string, std::string>& aliases() const { return aliases_; }

  std::vector<ModelFile> files_;
  std::vector<FixedBytes> ahead_;
  absl::flat_hash_map<int64_t, Place> places_;  // By StoredTensor::index.

 private:
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::string> aliases_;
};

// What is said in every file about the model as a whole, but for "format".
std::map<std::string, std::string> ModelMetadata(
    const v1::ModelSummary& summary);

// How a table of names that is `there` differs from the one that is `wanted`:
// the first name that is missing, too much, or goes with something else, as
// text such as "has no tensor \"x\"". Empty: not at all. `what` is what the
// names are of.
std::string TableDifference(const std::string& what,
                            const std::map<std::string, std::string>& there,
                            const std::map<std::string, std::string>& wanted);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_LAYOUT_H_
