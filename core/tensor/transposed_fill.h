// The values of a tensor whose order of delivery is not that of its indices.

#ifndef WEIGHTINIT_CORE_TENSOR_TRANSPOSED_FILL_H_
#define WEIGHTINIT_CORE_TENSOR_TRANSPOSED_FILL_H_

#include <cstdint>

#include "core/tensor/fill.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// A slice of an IN_OUT tensor: planes, one for each spatial place, of rows (the
// second dimension) of columns (the first). It is delivered column by column
// fastest, while the indices of one column, over rows and planes, lie close
// together; therefore a random block serves a column, and the more of it the
// more rows and planes are made at once. Immutable after construction.
class TransposedFill {
 public:
  // Elements that follow each other in the order of delivery: some columns of
  // one row, whole rows of one plane, or whole planes.
  struct Box {
    int64_t first_plane, planes;
    int64_t first_row, rows;
    int64_t first_column, columns;

    int64_t elements() const { return planes * rows * columns; }
  };

  // REQUIRES: Handles(plan).
  explicit TransposedFill(const TensorPlan& plan);

  // Whether the elements of `plan` are worth the trouble: they are computed,
  // and their order is not that of their indices.
  static bool Handles(const TensorPlan& plan);

  int64_t planes() const { return planes_; }
  int64_t rows() const { return rows_.size; }
  int64_t columns() const { return columns_.size; }
  // Whether rows, and not only planes, have neighbouring indices.
  bool rows_are_adjacent() const { return rows_.stride == 1; }
  int64_t element_bytes() const { return filler_.element_bytes(); }

  // The largest box from `position` on with at most `count` elements.
  // REQUIRES: these lie in the slice; count > 0.
  Box BoxAt(int64_t position, int64_t count) const;

  // Writes the elements of a box of this slice, packed.
  void Fill(const Box& box, uint8_t* out) const;

 private:
  class Strip;
  struct Tile;

  void FillStrip(const Strip& strip, const Box& box, Tile& tile,
                 uint8_t* out) const;

  const Filler filler_;
  // From a plane to the spatial part of its indices, which is below those of
  // the other dimensions.
  const SliceWalk places_;
  int64_t planes_ = 1;
  SliceWalk::Axis rows_;
  SliceWalk::Axis columns_;
  int64_t origin_ =
      0;  // Index of the first row's first column, less its place.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_TRANSPOSED_FILL_H_
