// The header of a safetensors file, and what a model is recovered from it.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/checkpoint.h"
#include "client/cpp/cli/from_safetensors_command.h"
#include "client/cpp/cli/safetensors_reader.h"
#include "weightinit/client/manifest.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::fuzz {
namespace {

void Try(absl::string_view json) {
  // Data of the file, as much as the seeds have.
  constexpr int64_t kDataBytes = 1024;
  absl::StatusOr<cli::SafetensorsHeader> header =
      cli::ParseSafetensorsHeader(json, kDataBytes);
  if (!header.ok()) return;
  cli::Checkpoint checkpoint;
  checkpoint.tensors = std::move(header->tensors);
  checkpoint.aliases = std::move(header->metadata);
  const auto model = cli::RecoverModel(checkpoint, {"*.skip"},
                                       v1::ACTIVATION_RELU, v1::LAYOUT_OUT_IN);
  if (model.ok()) WriteManifest(model->spec);
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
