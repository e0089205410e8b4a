#include "core/tensor/transposed_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/tensor/transposed_fill.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"

namespace weightinit {
namespace {

// Neighbouring elements of a column after which more of them save little, if
// they do not begin with a block: of rows, which are long where there are few
// in a unit, and of planes.
constexpr int64_t kGoodRows = 16;
constexpr int64_t kGoodPlanes = 32;
// Smaller units would be made too often, and larger ones leave the cache.
constexpr int64_t kGoodBytes = int64_t{512} << 10;
// A unit is made for a reader that has read this part of one in order.
constexpr int64_t kUnitPart = 8;
// Rows of a unit are a multiple of these, so that where blocks begin with a
// unit they begin with the next.
constexpr int64_t kRowStep = 4;

// The elements of a unit.
int64_t UnitElements(const TransposedFill& fill, int64_t max_bytes_held) {
  const int64_t row_bytes = fill.columns() * fill.element_bytes();
  if (fill.planes() == 1 && fill.rows_are_adjacent()) {
    const int64_t fitting = max_bytes_held / row_bytes;
    int64_t rows = std::min(
        {fill.rows(), fitting, std::max(kGoodRows, kGoodBytes / row_bytes)});
    if (rows > kRowStep && rows < fill.rows()) rows -= rows % kRowStep;
    return rows > 1 ? rows * fill.columns() : 0;
  }
  const int64_t plane_elements = fill.rows() * fill.columns();
  const int64_t plane_bytes = fill.rows() * row_bytes;
  const int64_t planes =
      std::min({fill.planes(), max_bytes_held / plane_bytes,
                std::max(kGoodPlanes, kGoodBytes / plane_bytes)});
  if (planes < 2) return 0;
  // Units of about the same size.
  const int64_t units = (fill.planes() + planes - 1) / planes;
  return (fill.planes() + units - 1) / units * plane_elements;
}

}  // namespace

TransposedSource::TransposedSource(const TensorPlan& plan,
                                   int64_t max_bytes_held)
    : fill_(plan),
      slice_elements_(plan.first_element + plan.elements),
      unit_elements_(UnitElements(fill_, max_bytes_held)),
      next_(plan.first_element),
      // Where a delivery begins it is expected to go on.
      in_order_(unit_elements_) {}

SourceCost TransposedSource::cost() const {
  SourceCost cost;
  cost.bytes_held =
      std::min(unit_elements_, slice_elements_) * fill_.element_bytes();
  cost.unit_elements = std::max(unit_elements_, int64_t{1});
  return cost;
}

void TransposedSource::Read(int64_t position, int64_t count, uint8_t* out) {
  if (position != next_) in_order_ = 0;
  next_ = position + count;
  while (count > 0) {
    int64_t n = 0;
    if (position >= kept_first_ && position < kept_first_ + kept_count_) {
      n = std::min(count, kept_first_ + kept_count_ - position);
      std::memcpy(
          out, kept_.get() + (position - kept_first_) * fill_.element_bytes(),
          static_cast<size_t>(n * fill_.element_bytes()));
    } else if (unit_elements_ == 0) {
      n = count;
      Make(position, n, out);
    } else if (position % unit_elements_ == 0 &&
               count >= UnitElementsAt(position)) {
      // Whole units, where they are wanted.
      n = position + count == slice_elements_ ? count
                                              : count - count % unit_elements_;
      Make(position, n, out);
    } else if (IsWorthKeeping(position)) {
      if (kept_ == nullptr) {
        // Not std::vector, which would write it twice.
        kept_.reset(new uint8_t[static_cast<size_t>(cost().bytes_held)]);
      }
      kept_first_ = position - position % unit_elements_;
      kept_count_ = UnitElementsAt(position);
      Make(kept_first_, kept_count_, kept_.get());
      continue;
    } else {
      n = std::min(count, unit_elements_ - position % unit_elements_);
      Make(position, n, out);
    }
    in_order_ += n;
    position += n;
    count -= n;
    out += n * fill_.element_bytes();
  }
}

bool TransposedSource::IsWorthKeeping(int64_t position) const {
  const int64_t part = unit_elements_ / kUnitPart;
  const int64_t first = position - position % unit_elements_;
  return in_order_ >= part &&
         first + UnitElementsAt(position) - position >= part;
}

int64_t TransposedSource::UnitElementsAt(int64_t position) const {
  return std::min(unit_elements_,
                  slice_elements_ - (position - position % unit_elements_));
}

void TransposedSource::Make(int64_t position, int64_t count,
                            uint8_t* out) const {
  while (count > 0) {
    const TransposedFill::Box box = fill_.BoxAt(position, count);
    fill_.Fill(box, out);
    position += box.elements();
    count -= box.elements();
    out += box.elements() * fill_.element_bytes();
  }
}

}  // namespace weightinit
