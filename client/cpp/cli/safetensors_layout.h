// A model as safetensors files.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_LAYOUT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/model_layout.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// How a directory's files share the tensors.
struct SafetensorsFiles {
  // Bytes of tensors in one file, at least 1; a larger tensor has a file of its
  // own. What fits in one file is in one, and then there is no index.
  int64_t max_file_bytes = 0;
  // Otherwise: the file of each tensor, as the index that is there says.
  std::optional<std::map<std::string, std::string>> index;
};

// One file, or those of a directory with their index, which is the last one.
//
// The tensors are in the order of safetensors' own writer, and aliases are
// lines of the metadata, as safetensors.torch.save_model writes them, of the
// file that holds their tensor.
class SafetensorsLayout final : public ModelLayout {
 public:
  // One file of any name.
  SafetensorsLayout() = default;
  // Those of a directory.
  explicit SafetensorsLayout(SafetensorsFiles directory)
      : directory_(std::move(directory)) {}

  std::string Difference(size_t file, const InputFile& there) const override;

 protected:
  absl::Status CheckTensor(const std::string& name) const override;
  absl::Status CheckAlias(const std::string& name) const override;
  absl::Status LayOut(const v1::ModelSummary& summary) override;

 private:
  // The tensors of each file.
  using Shares = std::vector<std::vector<const StoredTensor*>>;

  Shares Cut() const;
  // As the index says, which also names the files. DATA_LOSS: it has not the
  // tensors of the model.
  absl::StatusOr<Shares> ShareAsIndexed();
  void LayOutFile(size_t file, const std::vector<const StoredTensor*>& share,
                  std::map<std::string, std::string> metadata);
  void AddIndex();

  const std::optional<SafetensorsFiles> directory_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SAFETENSORS_LAYOUT_H_
