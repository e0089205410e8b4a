// A manifest, as YAML or as JSON: read; if it is good, written and read again.

#include "weightinit/client/manifest.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/cpp/model_conversion.h"
#include "weightinit/core/limits.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::fuzz {
namespace {

// Fewer than a server takes, so that an input takes little time.
constexpr int64_t kMaxTensors = 500;

void Try(absl::string_view text) {
  // Its first character says whether it is JSON or YAML.
  const std::string file = "manifest";
  const absl::StatusOr<v1::ModelSpec> model = ParseManifest(text, file);
  PlaceInManifest(text, file, "model.entries[1].dense.in_features");
  if (!model.ok()) return;
  v1::InitializeModelRequest request;
  *request.mutable_model() = *model;
  Limits limits;
  limits.max_tensors = kMaxTensors;
  if (!PlanOf(request, limits, nullptr).ok()) return;
  // What a server takes is written so that it is read back the same.
  const absl::StatusOr<v1::ModelSpec> again =
      ParseManifest(WriteManifest(*model), file);
  if (!again.ok()) std::abort();
  v1::InitializeModelRequest second;
  *second.mutable_model() = *again;
  const auto first_plan = PlanOf(request, limits, nullptr);
  const auto second_plan = PlanOf(second, limits, nullptr);
  if (!second_plan.ok() || (*first_plan)->summary().fingerprint !=
                               (*second_plan)->summary().fingerprint) {
    std::abort();
  }
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
