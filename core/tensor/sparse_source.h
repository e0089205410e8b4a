// Matrices with random zeros in each column.

#ifndef WEIGHTINIT_CORE_TENSOR_SPARSE_SOURCE_H_
#define WEIGHTINIT_CORE_TENSOR_SPARSE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/tensor/fill.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// The elements of another source, of which in each column some are 0: those
// with the smallest random keys. Where they are is found out first, from the
// keys of all rows of the slice's columns, and kept as a bit for each element
// of the slice.
class SparseSource final : public ElementSource {
 public:
  // `draws` has the elements of the plan without its zeros. REQUIRES:
  // plan.structure is kSparse, and the slice has elements.
  SparseSource(const TensorPlan& plan, std::unique_ptr<ElementSource> draws);

  SourceCost cost() const override;
  bool Prepare(int64_t position, int64_t count) override;
  void Read(int64_t position, int64_t count, uint8_t* out) override;

 private:
  // Finds the zeros of some columns, `first` being the first of them in the
  // slice.
  void FindZeros(int64_t first, int64_t count);
  void FindZerosOfColumn(int64_t column, const double* keys, int64_t step);

  // The bit of an element of the matrix.
  int64_t BitOf(int64_t row, int64_t column) const {
    return (row - slice_rows_.start) *
               (slice_columns_.stop - slice_columns_.start) +
           column - slice_columns_.start;
  }

  const std::unique_ptr<ElementSource> draws_;
  const SliceWalk walk_;
  const Filler keys_;
  const int64_t element_bytes_;
  const int64_t rows_;
  const int64_t columns_;
  const int64_t zeros_;  // Of a column.
  ResolvedRange slice_rows_;
  ResolvedRange slice_columns_;
  int64_t columns_at_once_ = 0;
  int64_t columns_done_ = 0;  // Of the slice.
  std::vector<uint64_t> is_zero_;
  std::vector<double> block_;  // Keys of columns_at_once_ columns.
  // Of a column, in rising order as far as its zeros.
  struct Key {
    double key = 0;
    int64_t row = 0;
  };
  std::vector<Key> column_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_SPARSE_SOURCE_H_
