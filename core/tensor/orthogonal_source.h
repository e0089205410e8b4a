// Orthogonal matrices, alone or at the centre of a convolution's kernel.

#ifndef WEIGHTINIT_CORE_TENSOR_ORTHOGONAL_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_ORTHOGONAL_SOURCE_H_

#include <cstdint>
#include <vector>

#include "core/tensor/fill.h"
#include "core/tensor/orthogonal_rows.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/orthogonal_shape.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// The matrix is made row by row along its shorter dimension. Where that is the
// order of delivery, some rows at a time are made and held. Where it is not,
// all that the slice has of the matrix is made first, and held.
class OrthogonalSource final : public ElementSource {
 public:
  // Holds at most `max_bytes_held`, or what the least of rows takes, and all
  // that is kept. REQUIRES: plan.structure is kOrthogonal or kOrthogonalCentre,
  // and the slice has elements.
  OrthogonalSource(const TensorPlan& plan, int64_t max_bytes_held);

  SourceCost cost() const override;
  bool Prepare(int64_t position, int64_t count) override;
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  // A place in the matrix with the shorter dimension as rows.
  struct Place {
    int64_t row = 0;
    int64_t column = 0;
  };

  void SetOrder(const TensorPlan& plan);
  // So many the slice has of the matrix.
  int64_t slice_rows() const { return matrix_.rows.stop - matrix_.rows.start; }
  int64_t slice_columns() const {
    return matrix_.columns.stop - matrix_.columns.start;
  }
  // Of all that is kept.
  int64_t kept_bytes() const {
    return in_order_ ? 0 : slice_rows() * slice_columns() * element_bytes_;
  }
  Place PlaceOf(int64_t index) const;  // Of the matrix, as the tensor counts.
  // REQUIRES: in_order_.
  int64_t RowAt(int64_t position) const {
    return matrix_.rows.start + position / row_elements_;
  }

  // Writes elements of the tensor. REQUIRES: they are prepared, and where
  // in_order_ lie in one row.
  void ReadRun(const Run& run, uint8_t* out);
  // The same of the matrix.
  void ReadMatrix(const Run& run, uint8_t* out);
  void ReadRow(const Place& place, int64_t step, int64_t count,
               uint8_t* out) const;

  // Makes more of what is kept; whether that is all.
  bool WorkOnKept();
  void Keep(int64_t first, int64_t last);

  const Dtype dtype_;
  const int64_t element_bytes_;
  const SliceWalk walk_;
  const bool in_out_;
  const OrthogonalShape matrix_;
  bool in_order_ = false;     // Rows are made as they are delivered.
  int64_t row_elements_ = 1;  // Delivered of each row, places included.
  int64_t next_;              // Where a reader that goes on would read.
  int64_t rows_at_once_ = 0;
  int64_t end_row_ = 0;  // Behind the last one delivered, where in_order_.
  OrthogonalRows rows_;

  // The slice's part of the matrix, unless in_order_; empty until the first of
  // it is made. That of place p is at p.row * row_step_ + p.column *
  // column_step_, both less where the slice begins.
  std::vector<uint8_t> kept_;
  int64_t kept_rows_ = 0;  // So many are there.
  int64_t row_step_ = 1;
  int64_t column_step_ = 1;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_ORTHOGONAL_SOURCE_H_
