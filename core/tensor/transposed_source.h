// IN_OUT tensors, read in the order of delivery.

#ifndef WEIGHTINIT_CORE_TENSOR_TRANSPOSED_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_TRANSPOSED_SOURCE_H_

#include <cstdint>
#include <memory>

#include "core/tensor/transposed_fill.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// A random block gives elements of several rows or planes, of which a read in
// order wants one after the other. Therefore a reader that goes on gets its
// elements from a unit, several whole rows or planes, which is made at once and
// kept; everything else is made where it is wanted, with what it costs.
class TransposedSource final : public ElementSource {
 public:
  // Keeps at most `max_bytes_held`. REQUIRES: TransposedFill::Handles(plan).
  TransposedSource(const TensorPlan& plan, int64_t max_bytes_held);

  SourceCost cost() const override;
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  // Whether the unit that `position` lies in is better made and kept than only
  // those elements of it that are asked for now.
  bool IsWorthKeeping(int64_t position) const;

  int64_t UnitElementsAt(int64_t position) const;

  // Writes `count` elements from `position` on without keeping any.
  void Make(int64_t position, int64_t count, uint8_t* out) const;

  const TransposedFill fill_;
  const int64_t slice_elements_;
  // Units begin at multiples of these; 0 if keeping some is of no use.
  const int64_t unit_elements_;

  int64_t next_;      // Where a reader that goes on would read.
  int64_t in_order_;  // Elements that it has read in order.

  std::unique_ptr<uint8_t[]> kept_;
  int64_t kept_first_ = 0;
  int64_t kept_count_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_TRANSPOSED_SOURCE_H_
