#include "core/tensor/diagonal_source.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/tensor/fill.h"
#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

DiagonalSource::DiagonalSource(const TensorPlan& plan)
    : walk_(plan.shape, plan.slice, plan.layout),
      kernel_(KernelShapeOf(plan.shape, plan.layout)),
      group_rows_(kernel_.first / plan.groups),
      gain_({Distribution::kConstant, *plan.gain, 0, 0, 0}, plan.dtype,
            plan.stream_key) {}

void DiagonalSource::Read(int64_t position, int64_t count, uint8_t* out) {
  while (count > 0) {
    Run run = walk_.RunAt(position);
    const int64_t n = run.count = std::min(count, run.count);
    std::memset(out, 0, static_cast<size_t>(n * gain_.element_bytes()));
    SetOnes(run, out);
    position += n;
    count -= n;
    out += n * gain_.element_bytes();
  }
}

int64_t DiagonalSource::OneOf(int64_t row) const {
  const int64_t column = row % group_rows_;
  if (column >= kernel_.second) return -1;
  return (row * kernel_.second + column) * kernel_.places + kernel_.centre;
}

void DiagonalSource::SetOnes(const Run& run, uint8_t* out) const {
  const int64_t row_elements = kernel_.second * kernel_.places;
  const auto set = [&](int64_t i) {
    gain_.FillConstant(1, out + i * gain_.element_bytes());
  };
  if (run.stride == 1) {
    const int64_t last = run.first + run.count - 1;
    for (int64_t row = run.first / row_elements; row <= last / row_elements;
         ++row) {
      const int64_t i = OneOf(row) - run.first;
      if (i >= 0 && i < run.count) set(i);
    }
    return;
  }
  for (int64_t i = 0; i < run.count; ++i) {
    const int64_t index = run.first + i * run.stride;
    if (OneOf(index / row_elements) == index) set(i);
  }
}

}  // namespace weightinit
