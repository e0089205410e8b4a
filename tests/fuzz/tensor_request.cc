// A request for a tensor: decoded, checked, described; if it is good and small,
// made too.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "server/convert.h"
#include "tests/fuzz/wire.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit::fuzz {
namespace {

constexpr int64_t kMaxElements = 4096;
constexpr int64_t kMaxBytesHeld = 4 << 20;
constexpr int64_t kMaxOperations = 10'000'000;

void Try(absl::Span<const uint8_t> data) {
  static const RootSeed root_seed =
      *RootSeed::FromBytes("a root seed of thirty-two bytes.");
  const auto plan = PlanInitializeTensor(BufferOf(data), Limits(), &root_seed);
  if (!plan.ok()) return;
  SerializeDescription(*plan);
  SerializeHeader(*plan);
  // Where the cost is that of the whole tensor, that is to be small too.
  TensorReader reader(*plan);
  if (plan->elements > kMaxElements || plan->operations > kMaxOperations ||
      reader.cost().bytes_held > kMaxBytesHeld) {
    return;
  }
  std::vector<uint8_t> chunk(std::max<size_t>(
      8, static_cast<size_t>(std::min(
             plan->chunk_elements * DtypeBytes(plan->dtype), plan->bytes))));
  while (reader.remaining() > 0) reader.Read(absl::MakeSpan(chunk));
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({data, size});
  return 0;
}
