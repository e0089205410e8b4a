#include "weightinit/core/element_source.h"

#include <memory>

#include "core/tensor/elementwise_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

std::unique_ptr<ElementSource> MakeElementSource(const TensorPlan& plan) {
  return std::make_unique<ElementwiseSource>(plan);
}

}  // namespace weightinit
