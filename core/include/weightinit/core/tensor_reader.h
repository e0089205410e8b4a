// The elements of a plan, pulled in order.

#ifndef WEIGHTINIT_CORE_TENSOR_READER_H_
#define WEIGHTINIT_CORE_TENSOR_READER_H_

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// Reads the elements of a plan: little-endian, row-major, packed. How many are
// asked for at a time never changes a byte. Not thread-safe; readers are
// independent of each other, and cheap to make.
class TensorReader {
 public:
  // Starts at plan.first_element.
  explicit TensorReader(TensorPlan plan);

  // The same from a source of the caller's, which makes the elements of `plan`;
  // null for MakeElementSource's.
  TensorReader(TensorPlan plan, std::unique_ptr<ElementSource> source);

  const TensorPlan& plan() const { return plan_; }

  SourceCost cost() const { return source_->cost(); }

  // Row-major index inside the slice of the next element.
  int64_t position() const { return position_; }

  // Elements that are still to come.
  int64_t remaining() const { return end_ - position_; }

  // As ElementSource::Prepare, for the next `count` elements or what remains.
  bool Prepare(int64_t count);

  // Writes as many of the next whole elements as fit into `out`, or as remain.
  // Returns their number; 0 means that nothing remains (or nothing fits).
  int64_t Read(absl::Span<uint8_t> out);

 private:
  TensorPlan plan_;
  std::unique_ptr<ElementSource> source_;
  int64_t position_;
  int64_t end_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_READER_H_
