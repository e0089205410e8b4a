// A model as raw bytes.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_RAW_LAYOUT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_RAW_LAYOUT_H_

#include <string>

#include "absl/status/status.h"
#include "client/cpp/cli/model_layout.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// The tensors one behind the other in the order of the model, each at its
// ModelTensor.byte_offset, and nothing else.
class RawLayout final : public ModelLayout {
 protected:
  absl::Status CheckTensor(const std::string& /*name*/) const override {
    return absl::OkStatus();
  }
  absl::Status CheckAlias(const std::string& /*name*/) const override {
    return absl::OkStatus();
  }
  absl::Status LayOut(const v1::ModelSummary& summary) override {
    for (const StoredTensor& tensor : tensors()) {
      places_[tensor.index] = {0, tensor.byte_offset};
    }
    files_ = {{"", summary.bytes()}};
    return absl::OkStatus();
  }
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_RAW_LAYOUT_H_
