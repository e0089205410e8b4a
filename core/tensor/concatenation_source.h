// Tensors made of parts.

#ifndef WEIGHTINIT_CORE_TENSOR_CONCATENATION_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_CONCATENATION_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// Reads each part from a source of its own. Seen row-major, the slice is a
// matrix: a row for each index of the dimensions before the axis, and in a row
// the parts one behind the other.
class ConcatenationSource final : public ElementSource {
 public:
  // The sources of the parts share `max_bytes_held`. REQUIRES: `plan` has
  // parts.
  ConcatenationSource(const TensorPlan& plan, int64_t max_bytes_held);

  SourceCost cost() const override;
  bool Prepare(int64_t position, int64_t count) override;
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  struct Part {
    int64_t first;  // The column where it starts.
    int64_t width;  // Columns, at least 1.
    std::unique_ptr<ElementSource> source;
  };

  // The part that has `column`.
  const Part& PartAt(int64_t column) const;
  // Writes `rows` whole rows from `row` on.
  void ReadRows(int64_t row, int64_t rows, uint8_t* out);

  int64_t element_bytes_;
  bool has_rows_ = false;  // More than one.
  int64_t row_elements_ = 0;
  std::vector<Part> parts_;  // Those that the slice takes something of.
  // Rows of one part, on their way to where they lie between other parts.
  std::vector<uint8_t> scratch_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_CONCATENATION_SOURCE_H_
