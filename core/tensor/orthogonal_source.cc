#include "core/tensor/orthogonal_source.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/reflect.h"
#include "core/tensor/encode.h"
#include "core/tensor/orthogonal_rows.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/orthogonal_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// Numbers on their way from a row to the delivery.
constexpr int64_t kBuffer = 256;

}  // namespace

OrthogonalSource::OrthogonalSource(const TensorPlan& plan,
                                   int64_t max_bytes_held)
    : dtype_(plan.dtype),
      element_bytes_(DtypeBytes(plan.dtype)),
      walk_(plan.shape, plan.slice, plan.layout),
      in_out_(plan.layout == Layout::kInOut),
      matrix_(OrthogonalShapeOf(plan)),
      next_(plan.first_element),
      rows_(plan.stream_key, matrix_.shorter(), matrix_.longer(), *plan.gain) {
  SetOrder(plan);
  end_row_ = RowAt(plan.first_element + plan.elements - 1) + 1;
  const int64_t width = rows_.width();
  // As many tiles as there is room for, at least one.
  const int64_t per_tile = kTileRows * width * int64_t{sizeof(double)};
  const int64_t room = max_bytes_held - kept_bytes() -
                       OrthogonalRows::BytesFor(0, width) - per_tile;
  rows_at_once_ = std::min(kTileRows * std::max<int64_t>(1, room / per_tile),
                           std::max<int64_t>(1, slice_rows()));
}

// Finds out in which order the slice takes the matrix.
void OrthogonalSource::SetOrder(const TensorPlan& plan) {
  const size_t rank = plan.shape.size();
  const size_t first = in_out_ ? rank - 1 : 0;
  const size_t second = in_out_ ? rank - 2 : 1;
  // Rows are outermost in the delivery.
  in_order_ = in_out_ ? matrix_.tall && rank == 2 : !matrix_.tall;
  for (size_t d = 0; d < rank; ++d) {
    if (d != (matrix_.tall ? second : first)) {
      row_elements_ *= plan.slice[d].stop - plan.slice[d].start;
    }
  }
  // What is kept lies so that neighbours in the delivery are neighbours.
  const bool rows_adjacent = matrix_.tall != in_out_;
  row_step_ = rows_adjacent ? 1 : slice_columns();
  column_step_ = rows_adjacent ? slice_rows() : 1;
}

SourceCost OrthogonalSource::cost() const {
  SourceCost cost;
  // A range of rows that starts within a tile has a part of one more.
  cost.bytes_held =
      OrthogonalRows::BytesFor(rows_at_once_ + kTileRows, rows_.width()) +
      kept_bytes();
  cost.slice_is_cheaper = in_order_;
  if (in_order_) cost.unit_elements = rows_at_once_ * row_elements_;
  return cost;
}

OrthogonalSource::Place OrthogonalSource::PlaceOf(int64_t index) const {
  const int64_t row = index / matrix_.kernel.second;
  const int64_t column = index % matrix_.kernel.second;
  return matrix_.tall ? Place{column, row} : Place{row, column};
}

bool OrthogonalSource::Prepare(int64_t position, int64_t count) {
  if (count == 0) return true;
  if (!in_order_) return WorkOnKept();
  const int64_t first = RowAt(position);
  const int64_t last =
      std::min(RowAt(position + count - 1) + 1, first + rows_at_once_);
  if (rows_.Has(first, last)) return true;
  if (!rows_.Wants(first, last)) {
    // A reader that goes on will have the rows behind these.
    rows_.Want(first, position == next_
                          ? std::min(first + rows_at_once_, end_row_)
                          : last);
  }
  return rows_.Work();
}

void OrthogonalSource::Read(int64_t position, int64_t count, uint8_t* out) {
  while (count > 0) {
    // As many rows as there is room for, when the last of these has been read.
    const bool has_row =
        in_order_ && rows_.Has(RowAt(position), RowAt(position) + 1);
    while (!has_row && !Prepare(position, count)) {
    }
    const Run run = walk_.RunAt(position);
    const int64_t n =
        std::min({count, run.count, row_elements_ - position % row_elements_});
    ReadRun({run.first, run.stride, n}, out);
    position += n;
    count -= n;
    out += n * element_bytes_;
    next_ = position;
  }
}

void OrthogonalSource::ReadRun(const Run& run, uint8_t* out) {
  if (matrix_.kernel.places == 1) {
    ReadMatrix(run, out);
    return;
  }
  std::memset(out, 0, static_cast<size_t>(run.count * element_bytes_));
  const auto is_centre = [&](int64_t i) {
    return (run.first + i * run.stride) % matrix_.kernel.places ==
           matrix_.kernel.centre;
  };
  int64_t i = 0;
  while (i < run.count && !is_centre(i)) ++i;
  for (; i < run.count; i += run.stride == 1 ? matrix_.kernel.places : 1) {
    if (!is_centre(i)) continue;
    ReadMatrix({(run.first + i * run.stride) / matrix_.kernel.places, 1, 1},
               out + i * element_bytes_);
  }
}

void OrthogonalSource::ReadMatrix(const Run& run, uint8_t* out) {
  if (in_order_) {
    const Place place = PlaceOf(run.first);
    ReadRow(place,
            matrix_.tall ? run.stride / matrix_.kernel.second : run.stride,
            run.count, out);
    return;
  }
  const int64_t adjacent = in_out_ ? matrix_.kernel.second : 1;
  for (int64_t i = 0; i < run.count;) {
    const int64_t index = run.first + i * run.stride;
    const Place place = PlaceOf(index);
    // Neighbours in the delivery are neighbours in memory, to where the
    // dimension ends.
    int64_t n = 1;
    if (run.stride == adjacent) {
      n = matrix_.tall != in_out_ ? matrix_.rows.stop - place.row
                                  : matrix_.columns.stop - place.column;
    }
    n = std::min(n, run.count - i);
    const int64_t at = (place.row - matrix_.rows.start) * row_step_ +
                       (place.column - matrix_.columns.start) * column_step_;
    std::memcpy(out + i * element_bytes_, kept_.data() + at * element_bytes_,
                static_cast<size_t>(n * element_bytes_));
    i += n;
  }
}

void OrthogonalSource::ReadRow(const Place& place, int64_t step, int64_t count,
                               uint8_t* out) const {
  std::array<double, kBuffer> numbers;
  for (int64_t i = 0; i < count; i += kBuffer) {
    const int64_t n = std::min(kBuffer, count - i);
    rows_.Read(place.row, place.column + i * step, step, n, numbers.data());
    Encode(dtype_, numbers.data(), n, out + i * element_bytes_);
  }
}

bool OrthogonalSource::WorkOnKept() {
  if (kept_rows_ == slice_rows()) return true;
  if (kept_.empty()) {
    kept_.resize(static_cast<size_t>(kept_bytes()));
  }
  const int64_t first = matrix_.rows.start + kept_rows_;
  const int64_t last = std::min(first + rows_at_once_, matrix_.rows.stop);
  if (!rows_.Wants(first, last)) rows_.Want(first, last);
  if (!rows_.Work()) return false;
  Keep(first, last);
  kept_rows_ += last - first;
  return kept_rows_ == slice_rows();
}

void OrthogonalSource::Keep(int64_t first, int64_t last) {
  std::array<uint8_t, kBuffer * sizeof(double)> elements;
  const int64_t row_bytes = row_step_ * element_bytes_;
  const int64_t column_bytes = column_step_ * element_bytes_;
  // Some columns of some rows, so that what is written stays in the first-level
  // cache.
  for (int64_t r = first; r < last; r += kTileRows) {
    const int64_t tile_end = std::min(r + kTileRows, last);
    for (int64_t c = 0; c < slice_columns(); c += kBuffer) {
      const int64_t n = std::min(kBuffer, slice_columns() - c);
      for (int64_t row = r; row < tile_end; ++row) {
        ReadRow({row, matrix_.columns.start + c}, 1, n, elements.data());
        uint8_t* to = kept_.data() + (row - matrix_.rows.start) * row_bytes +
                      c * column_bytes;
        if (column_step_ == 1) {
          std::memcpy(to, elements.data(),
                      static_cast<size_t>(n * element_bytes_));
          continue;
        }
        for (int64_t i = 0; i < n; ++i, to += column_bytes) {
          std::memcpy(to, &elements[static_cast<size_t>(i * element_bytes_)],
                      static_cast<size_t>(element_bytes_));
        }
      }
    }
  }
}

}  // namespace weightinit
