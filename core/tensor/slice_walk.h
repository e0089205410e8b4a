// From row-major positions in a slice to indices of the random stream.

#ifndef WEIGHTINIT_CORE_TENSOR_SLICE_WALK_H_
#define WEIGHTINIT_CORE_TENSOR_SLICE_WALK_H_

#include <cstdint>
#include <vector>

#include "core/tensor/fill.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// The logical index of an element counts row-major in OUT_IN order whatever the
// layout, so a walk over an IN_OUT tensor strides. Immutable.
class SliceWalk {
 public:
  // One dimension of the slice, or several that are walked as one.
  struct Axis {
    int64_t size = 0;
    int64_t stride = 0;  // In logical indices.
  };

  // REQUIRES: `slice` has one range inside each dimension of `shape`.
  SliceWalk(const std::vector<int64_t>& shape,
            const std::vector<ResolvedRange>& slice, Layout layout);

  // The elements from `position` to the end of its innermost axis.
  // REQUIRES: 0 <= position < number of elements of the slice.
  Run RunAt(int64_t position) const;

 private:
  int64_t origin_ = 0;      // Logical index of position 0.
  std::vector<Axis> axes_;  // Outermost first; at least one.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_SLICE_WALK_H_
