// A request for a model: decoded, checked; if it is good, its tensors resolved.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "server/convert.h"
#include "tests/fuzz/wire.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/root_seed.h"

namespace weightinit::fuzz {
namespace {

// Fewer than a server takes, so that an input takes little time.
constexpr int64_t kMaxTensors = 500;

void Try(absl::Span<const uint8_t> data) {
  static const RootSeed root_seed =
      *RootSeed::FromBytes("a root seed of thirty-two bytes.");
  Limits limits;
  limits.max_tensors = kMaxTensors;
  auto plan = PlanInitializeModel(BufferOf(data), limits, &root_seed);
  if (!plan.ok()) return;
  SerializeModelSummary((*plan)->summary());
  ModelTensors tensors(*std::move(plan));
  while (const auto tensor = tensors.Next()) SerializeModelTensor(*tensor);
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({data, size});
  return 0;
}
