// What a slice takes of an orthogonal matrix.

#ifndef WEIGHTINIT_CORE_ORTHOGONAL_SHAPE_H_
#define WEIGHTINIT_CORE_ORTHOGONAL_SHAPE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// The matrix of a tensor (first, second, spatial...). With kOrthogonal it has
// first rows, and all other dimensions as columns; with kOrthogonalCentre it is
// first x second, at the centre of the kernel. It is made row by row along its
// shorter dimension.
struct OrthogonalShape {
  KernelShape kernel;  // With kOrthogonal one place, and all else as columns.
  bool tall = false;   // More rows than columns, as the tensor has them.
  // What the slice takes, along the shorter and the longer dimension.
  ResolvedRange rows;
  ResolvedRange columns;

  int64_t shorter() const { return std::min(kernel.first, kernel.second); }
  int64_t longer() const { return std::max(kernel.first, kernel.second); }
};

// Floating-point operations for rows [first, last) of a matrix with `width`
// columns.
inline double OrthogonalOperations(int64_t first, int64_t last, int64_t width) {
  // Row i: 4 times the sum over k <= i of width - k; summed over the rows, by
  // way of the sums over all rows before `end`.
  const auto before = [&](int64_t end) {
    const auto n = static_cast<double>(end);
    return 2 * n * (n + 1) * (static_cast<double>(width) - (n - 1) / 3);
  };
  return before(last) - before(first);
}

// REQUIRES: plan.structure is kOrthogonal or kOrthogonalCentre, the tensor has
// elements; `plan` has its shape, layout and slice.
inline OrthogonalShape OrthogonalShapeOf(const TensorPlan& plan) {
  OrthogonalShape matrix;
  matrix.kernel = KernelShapeOf(plan.shape, plan.layout);
  const size_t rank = plan.shape.size();
  const bool in_out = plan.layout == Layout::kInOut;
  const size_t second = in_out ? rank - 2 : 1;
  const ResolvedRange along_first = plan.slice[in_out ? rank - 1 : 0];
  ResolvedRange along_second = plan.slice[second];
  if (plan.structure == Structure::kOrthogonal) {
    // The columns from the first place of the slice to its last one.
    ResolvedRange place;
    for (size_t d = in_out ? 0 : 2; d < (in_out ? second : rank); ++d) {
      place.start = place.start * plan.shape[d] + plan.slice[d].start;
      place.stop = place.stop * plan.shape[d] + plan.slice[d].stop - 1;
    }
    const int64_t places = matrix.kernel.places;
    along_second = {along_second.start * places + place.start,
                    (along_second.stop - 1) * places + place.stop + 1};
    matrix.kernel.second *= places;
    matrix.kernel.places = 1;
    matrix.kernel.centre = 0;
  }
  matrix.tall = matrix.kernel.first > matrix.kernel.second;
  matrix.rows = matrix.tall ? along_second : along_first;
  matrix.columns = matrix.tall ? along_first : along_second;
  return matrix;
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_ORTHOGONAL_SHAPE_H_
