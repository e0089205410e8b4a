#include "weightinit/core/element_source.h"

#include <cstdint>
#include <memory>

#include "core/tensor/concatenation_source.h"
#include "core/tensor/diagonal_source.h"
#include "core/tensor/elementwise_source.h"
#include "core/tensor/mapped_source.h"
#include "core/tensor/orthogonal_source.h"
#include "core/tensor/sparse_source.h"
#include "core/tensor/transposed_fill.h"
#include "core/tensor/transposed_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {
namespace {

std::unique_ptr<ElementSource> MakeDraws(const TensorPlan& plan,
                                         int64_t max_bytes_held) {
  if (TransposedFill::Handles(plan)) {
    return std::make_unique<TransposedSource>(plan, max_bytes_held);
  }
  return std::make_unique<ElementwiseSource>(plan);
}

}  // namespace

std::unique_ptr<ElementSource> MakeElementSource(const TensorPlan& plan,
                                                 int64_t max_bytes_held) {
  if (!plan.parts.empty()) {
    return std::make_unique<ConcatenationSource>(plan, max_bytes_held);
  }
  if (plan.elements == 0) return std::make_unique<ElementwiseSource>(plan);
  switch (plan.structure) {
    case Structure::kElementwise:
      break;
    case Structure::kDiagonal:
      return std::make_unique<DiagonalSource>(plan);
    case Structure::kOrthogonal:
    case Structure::kOrthogonalCentre:
      return std::make_unique<OrthogonalSource>(plan, max_bytes_held);
    case Structure::kLogOfUniform:
    case Structure::kInverseSoftplus:
      return std::make_unique<MappedSource>(plan);
    case Structure::kSparse:
      return std::make_unique<SparseSource>(plan,
                                            MakeDraws(plan, max_bytes_held));
  }
  return MakeDraws(plan, max_bytes_held);
}

}  // namespace weightinit
