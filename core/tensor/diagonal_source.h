// Identity matrices, and convolutions that pass their input on.

#ifndef WEIGHTINIT_CORE_TENSOR_DIAGONAL_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_DIAGONAL_SOURCE_H_

#include <cstdint>

#include "core/tensor/fill.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// The gain where the column is the row's number within its group, at the centre
// of the kernel; elsewhere 0. A slice costs its share.
class DiagonalSource final : public ElementSource {
 public:
  // REQUIRES: plan.structure is kDiagonal, and the tensor has elements.
  explicit DiagonalSource(const TensorPlan& plan);

  SourceCost cost() const override { return {}; }
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  // The index of the element of a row that is the gain; -1 if it has none.
  int64_t OneOf(int64_t row) const;

  // Sets the elements of the run that are the gain.
  void SetOnes(const Run& run, uint8_t* out) const;

  const SliceWalk walk_;
  const KernelShape kernel_;
  const int64_t group_rows_;
  const Filler gain_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_DIAGONAL_SOURCE_H_
