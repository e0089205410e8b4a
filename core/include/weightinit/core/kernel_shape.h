// The dimensions of a weight by what they are for.

#ifndef WEIGHTINIT_CORE_KERNEL_SHAPE_H_
#define WEIGHTINIT_CORE_KERNEL_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weightinit/core/request.h"

namespace weightinit {

// Of (first, second, spatial...) in OUT_IN order, whatever the layout: the
// element of index i is at place i mod places of row (i div places) div second
// and column (i div places) mod second.
struct KernelShape {
  int64_t first = 1;
  int64_t second = 1;
  int64_t places = 1;  // Product of the spatial dimensions.
  int64_t centre = 0;  // The place at k div 2 of each spatial dimension k.
};

// REQUIRES: the rank is at least 2.
inline KernelShape KernelShapeOf(const std::vector<int64_t>& shape,
                                 Layout layout) {
  const size_t rank = shape.size();
  const bool in_out = layout == Layout::kInOut;
  KernelShape kernel;
  kernel.first = in_out ? shape[rank - 1] : shape[0];
  kernel.second = in_out ? shape[rank - 2] : shape[1];
  for (size_t d = in_out ? 0 : 2; d < (in_out ? rank - 2 : rank); ++d) {
    kernel.places *= shape[d];
    kernel.centre = kernel.centre * shape[d] + shape[d] / 2;
  }
  return kernel;
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_KERNEL_SHAPE_H_
