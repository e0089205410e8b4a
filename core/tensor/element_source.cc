#include "weightinit/core/element_source.h"

#include <memory>

#include "core/tensor/concatenation_source.h"
#include "core/tensor/elementwise_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

std::unique_ptr<ElementSource> MakeElementSource(const TensorPlan& plan) {
  if (!plan.parts.empty()) return std::make_unique<ConcatenationSource>(plan);
  return std::make_unique<ElementwiseSource>(plan);
}

}  // namespace weightinit
