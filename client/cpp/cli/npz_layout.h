// A model as NumPy's .npz.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_NPZ_LAYOUT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_NPZ_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/model_layout.h"
#include "client/cpp/cli/zip_format.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// A ZIP archive of one .npy file for each tensor, stored and not compressed.
// The seed, generator and fingerprint are in the archive's comment, as JSON;
// aliases are not stored.
class NpzLayout final : public ModelLayout {
 public:
  std::vector<FixedBytes> Behind(const Crc32s& crc32s) const override;
  std::string Difference(size_t file, const InputFile& there) const override;

 protected:
  absl::Status CheckTensor(const std::string& name) const override;
  absl::Status CheckAlias(const std::string& name) const override;
  absl::Status LayOut(const v1::ModelSummary& summary) override;

 private:
  std::vector<ZipEntry> entries_;  // Of tensors(), without their CRC-32.
  int64_t directory_ = 0;          // Where the central directory begins.
  std::string comment_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_NPZ_LAYOUT_H_
