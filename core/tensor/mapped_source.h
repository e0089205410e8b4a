// Tensors whose elements are functions of uniform numbers.

#ifndef WEIGHTINIT_CORE_TENSOR_MAPPED_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_MAPPED_SOURCE_H_

#include <cstdint>

#include "core/tensor/fill.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// A function, by the plan's structure, of float64 draws of the plan's
// distribution. Written for tensors of some thousand elements, as a bias is.
class MappedSource final : public ElementSource {
 public:
  // REQUIRES: plan.structure is kLogOfUniform or kInverseSoftplus.
  explicit MappedSource(const TensorPlan& plan);

  SourceCost cost() const override { return {}; }
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  const SliceWalk walk_;
  const Filler draws_;
  const Dtype dtype_;
  const Structure structure_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_MAPPED_SOURCE_H_
