#include "weightinit/core/element_source.h"

#include <cstdint>
#include <memory>

#include "core/tensor/concatenation_source.h"
#include "core/tensor/diagonal_source.h"
#include "core/tensor/elementwise_source.h"
#include "core/tensor/transposed_fill.h"
#include "core/tensor/transposed_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

std::unique_ptr<ElementSource> MakeElementSource(const TensorPlan& plan,
                                                 int64_t max_bytes_held) {
  if (!plan.parts.empty()) {
    return std::make_unique<ConcatenationSource>(plan, max_bytes_held);
  }
  if (plan.structure == Structure::kDiagonal && plan.elements > 0) {
    return std::make_unique<DiagonalSource>(plan);
  }
  if (TransposedFill::Handles(plan)) {
    return std::make_unique<TransposedSource>(plan, max_bytes_held);
  }
  return std::make_unique<ElementwiseSource>(plan);
}

}  // namespace weightinit
