// Tensors whose elements are functions of their own indices.

#ifndef WEIGHTINIT_CORE_TENSOR_ELEMENTWISE_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_ELEMENTWISE_SOURCE_H_

#include <cstdint>

#include "core/tensor/fill.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// Computes each element from its index alone: it holds no memory, and a slice
// costs its share.
class ElementwiseSource final : public ElementSource {
 public:
  explicit ElementwiseSource(const TensorPlan& plan)
      : walk_(plan.shape, plan.slice, plan.layout),
        filler_(plan.parameters, plan.dtype, plan.stream_key) {}

  SourceCost cost() const override { return {}; }
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  const SliceWalk walk_;
  const Filler filler_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_ELEMENTWISE_SOURCE_H_
