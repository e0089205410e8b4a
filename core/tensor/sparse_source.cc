#include "core/tensor/sparse_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "core/tensor/fill.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// Keys that are made and sorted at once: some milliseconds of work. They are of
// so many columns, so that the keys of a row lie in as few blocks of the
// generator as there are.
constexpr int64_t kKeysAtOnce = 1 << 18;
constexpr int64_t kLeastColumns = 8;

constexpr int64_t kBits = 64;  // Of a word of is_zero_.

// Other draws than those of the elements.
StreamKey KeyStream(StreamKey key) {
  key.stream ^= uint64_t{1} << 63;
  return key;
}

}  // namespace

SparseSource::SparseSource(const TensorPlan& plan,
                           std::unique_ptr<ElementSource> draws)
    : draws_(std::move(draws)),
      walk_(plan.shape, plan.slice, plan.layout),
      keys_({Distribution::kUniform, 0, 0, 0, 1}, Dtype::kFloat64,
            KeyStream(plan.stream_key)),
      element_bytes_(DtypeBytes(plan.dtype)),
      rows_(KernelShapeOf(plan.shape, plan.layout).first),
      columns_(KernelShapeOf(plan.shape, plan.layout).second),
      zeros_(plan.zeros_per_column),
      slice_rows_(plan.slice[0]),
      slice_columns_(plan.slice[1]) {
  if (plan.layout == Layout::kInOut) std::swap(slice_rows_, slice_columns_);
  columns_at_once_ = std::min(std::max(kLeastColumns, kKeysAtOnce / rows_),
                              slice_columns_.stop - slice_columns_.start);
}

SourceCost SparseSource::cost() const {
  SourceCost cost = draws_->cost();
  cost.bytes_held +=
      (slice_rows_.stop - slice_rows_.start) *
          (slice_columns_.stop - slice_columns_.start) / 8 +
      rows_ * (columns_at_once_ * static_cast<int64_t>(sizeof(double)) +
               static_cast<int64_t>(sizeof(Key)));
  cost.slice_is_cheaper = false;
  return cost;
}

bool SparseSource::Prepare(int64_t position, int64_t count) {
  const int64_t columns = slice_columns_.stop - slice_columns_.start;
  if (columns_done_ == columns) return draws_->Prepare(position, count);
  if (is_zero_.empty()) {
    const int64_t bits = columns * (slice_rows_.stop - slice_rows_.start);
    is_zero_.resize(static_cast<size_t>((bits + kBits - 1) / kBits));
    block_.resize(static_cast<size_t>(rows_ * columns_at_once_));
    column_.resize(static_cast<size_t>(rows_));
  }
  const int64_t n = std::min(columns_at_once_, columns - columns_done_);
  FindZeros(columns_done_, n);
  columns_done_ += n;
  if (columns_done_ < columns) return false;
  block_ = {};
  column_ = {};
  return draws_->Prepare(position, count);
}

void SparseSource::FindZeros(int64_t first, int64_t count) {
  PieceFiller pieces(keys_);
  for (int64_t row = 0; row < rows_; ++row) {
    pieces.Add({row * columns_ + slice_columns_.start + first, 1, count},
               reinterpret_cast<uint8_t*>(block_.data() + row * count));
  }
  pieces.Finish();
  for (int64_t c = 0; c < count; ++c) {
    FindZerosOfColumn(slice_columns_.start + first + c, block_.data() + c,
                      count);
  }
}

void SparseSource::FindZerosOfColumn(int64_t column, const double* keys,
                                     int64_t step) {
  for (int64_t row = 0; row < rows_; ++row) {
    column_[static_cast<size_t>(row)] = {keys[row * step], row};
  }
  if (zeros_ < rows_) {
    std::nth_element(column_.begin(), column_.begin() + zeros_, column_.end(),
                     [](const Key& a, const Key& b) {
                       return a.key < b.key ||
                              (a.key == b.key && a.row < b.row);
                     });
  }
  for (int64_t i = 0; i < zeros_; ++i) {
    const int64_t row = column_[static_cast<size_t>(i)].row;
    if (row < slice_rows_.start || row >= slice_rows_.stop) continue;
    const auto bit = static_cast<size_t>(BitOf(row, column));
    is_zero_[bit / kBits] |= uint64_t{1} << (bit % kBits);
  }
}

void SparseSource::Read(int64_t position, int64_t count, uint8_t* out) {
  while (!Prepare(position, count)) {
  }
  draws_->Read(position, count, out);
  while (count > 0) {
    const Run run = walk_.RunAt(position);
    const int64_t n = std::min(count, run.count);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t index = run.first + i * run.stride;
      const auto bit =
          static_cast<size_t>(BitOf(index / columns_, index % columns_));
      if ((is_zero_[bit / kBits] >> (bit % kBits) & 1) != 0) {
        std::memset(out + i * element_bytes_, 0,
                    static_cast<size_t>(element_bytes_));
      }
    }
    position += n;
    count -= n;
    out += n * element_bytes_;
  }
}

}  // namespace weightinit
