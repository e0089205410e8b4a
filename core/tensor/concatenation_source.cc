#include "core/tensor/concatenation_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// A part is faster by many short rows at a time than row by row.
constexpr int64_t kScratchBytes = 256 << 10;

}  // namespace

ConcatenationSource::ConcatenationSource(const TensorPlan& plan,
                                         int64_t max_bytes_held)
    : element_bytes_(DtypeBytes(plan.dtype)) {
  const auto axis = static_cast<size_t>(plan.axis);
  const auto size = [](const ResolvedRange& range) {
    return range.stop - range.start;
  };
  int64_t inner = 1;
  for (size_t d = axis + 1; d < plan.slice.size(); ++d) {
    inner *= size(plan.slice[d]);
  }
  int64_t rows = 1;
  for (size_t d = 0; d < axis; ++d) rows *= size(plan.slice[d]);
  has_rows_ = rows > 1;
  const int64_t bytes_of_part =
      std::max<int64_t>(0, max_bytes_held - kScratchBytes) /
      static_cast<int64_t>(plan.parts.size());
  for (const TensorPlan& part : plan.parts) {
    if (part.elements == 0) continue;
    const int64_t along = plan.stacked ? 1 : size(part.slice[axis]);
    parts_.push_back(
        {row_elements_, along * inner, MakeElementSource(part, bytes_of_part)});
    row_elements_ += parts_.back().width;
  }
}

SourceCost ConcatenationSource::cost() const {
  SourceCost cost;
  cost.bytes_held = parts_.size() > 1 ? kScratchBytes : 0;
  for (const Part& part : parts_) {
    const SourceCost of_part = part.source->cost();
    cost.bytes_held += of_part.bytes_held;
    cost.slice_is_cheaper = cost.slice_is_cheaper && of_part.slice_is_cheaper;
    // Of the parts' units, in whole rows, the largest.
    const int64_t unit_rows = of_part.unit_elements / part.width;
    if (has_rows_) {
      cost.unit_elements =
          std::max(cost.unit_elements, unit_rows * row_elements_);
    }
  }
  return cost;
}

bool ConcatenationSource::Prepare(int64_t position, int64_t count) {
  if (count == 0) return true;
  const int64_t first_row = position / row_elements_;
  const int64_t last_row = (position + count - 1) / row_elements_;
  for (const Part& part : parts_) {
    // In one row only the parts that are read; of others, all that they have of
    // these rows.
    if (first_row == last_row) {
      const int64_t column = position % row_elements_;
      const int64_t begin = std::max(column, part.first);
      const int64_t end = std::min(column + count, part.first + part.width);
      if (begin < end &&
          !part.source->Prepare(first_row * part.width + begin - part.first,
                                end - begin)) {
        return false;
      }
    } else if (!part.source->Prepare(first_row * part.width,
                                     (last_row - first_row + 1) * part.width)) {
      return false;
    }
  }
  return true;
}

void ConcatenationSource::Read(int64_t position, int64_t count, uint8_t* out) {
  while (count > 0) {
    const int64_t row = position / row_elements_;
    const int64_t column = position % row_elements_;
    int64_t n = 0;
    if (column == 0 && count / row_elements_ >= 2) {
      const int64_t rows = count / row_elements_;
      n = rows * row_elements_;
      ReadRows(row, rows, out);
    } else {
      const Part& part = PartAt(column);
      const int64_t in_part = column - part.first;
      n = std::min(count, part.width - in_part);
      part.source->Read(row * part.width + in_part, n, out);
    }
    position += n;
    count -= n;
    out += n * element_bytes_;
  }
}

const ConcatenationSource::Part& ConcatenationSource::PartAt(
    int64_t column) const {
  const auto behind = std::upper_bound(
      parts_.begin(), parts_.end(), column,
      [](int64_t value, const Part& part) { return value < part.first; });
  return *std::prev(behind);
}

void ConcatenationSource::ReadRows(int64_t row, int64_t rows, uint8_t* out) {
  const int64_t row_bytes = row_elements_ * element_bytes_;
  for (const Part& part : parts_) {
    const int64_t bytes = part.width * element_bytes_;
    uint8_t* target = out + part.first * element_bytes_;
    if (bytes == row_bytes) {
      part.source->Read(row * part.width, rows * part.width, target);
      continue;
    }
    const int64_t at_a_time = std::min(rows, kScratchBytes / bytes);
    if (at_a_time < 2) {
      for (int64_t r = 0; r < rows; ++r) {
        part.source->Read((row + r) * part.width, part.width,
                          target + r * row_bytes);
      }
      continue;
    }
    scratch_.resize(static_cast<size_t>(kScratchBytes));
    for (int64_t done = 0; done < rows;) {
      const int64_t n = std::min(rows - done, at_a_time);
      part.source->Read((row + done) * part.width, n * part.width,
                        scratch_.data());
      for (int64_t r = 0; r < n; ++r) {
        std::memcpy(target + (done + r) * row_bytes,
                    &scratch_[static_cast<size_t>(r * bytes)],
                    static_cast<size_t>(bytes));
      }
      done += n;
    }
  }
}

}  // namespace weightinit
