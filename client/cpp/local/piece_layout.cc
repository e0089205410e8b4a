#include "client/cpp/local/piece_layout.h"

#include <algorithm>
#include <cstdint>

#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// A piece stays in the second-level cache from when it is made until its
// checksum and whatever its receiver computes are done, and takes long beside
// handing it over.
constexpr int64_t kPieceBytes = 256 << 10;

}  // namespace

PieceLayout LayOutPieces(const TensorPlan& plan, const SourceCost& cost,
                         int max_threads) {
  PieceLayout layout;
  layout.elements = plan.elements;
  layout.piece_elements = kPieceBytes / DtypeBytes(plan.dtype);
  // Threads that share a unit of the source would each compute it.
  const int64_t units = std::max<int64_t>(
      1, layout.piece_elements / std::max<int64_t>(1, cost.unit_elements));
  if (cost.unit_elements > 1) {
    layout.piece_elements = units * cost.unit_elements;
  }
  // A source that computes the whole tensor for its first element does so for
  // each thread that has one.
  const int64_t threads = cost.slice_is_cheaper ? max_threads : 1;
  layout.threads = static_cast<int>(
      std::clamp<int64_t>(layout.count(), 1, std::max<int64_t>(1, threads)));
  return layout;
}

}  // namespace weightinit
