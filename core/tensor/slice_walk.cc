#include "core/tensor/slice_walk.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/tensor/fill.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// The logical stride of each dimension.
std::vector<int64_t> LogicalStrides(const std::vector<int64_t>& shape,
                                    Layout layout) {
  const size_t rank = shape.size();
  // The dimensions from the fastest logical one to the slowest.
  std::vector<size_t> fastest_first;
  if (layout == Layout::kInOut && rank >= 2) {
    for (size_t d = rank - 2; d-- > 0;) fastest_first.push_back(d);
    fastest_first.push_back(rank - 2);
    fastest_first.push_back(rank - 1);
  } else {
    for (size_t d = rank; d-- > 0;) fastest_first.push_back(d);
  }
  std::vector<int64_t> strides(rank);
  int64_t stride = 1;
  for (const size_t d : fastest_first) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

}  // namespace

SliceWalk::SliceWalk(const std::vector<int64_t>& shape,
                     const std::vector<ResolvedRange>& slice, Layout layout) {
  const std::vector<int64_t> strides = LogicalStrides(shape, layout);
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t size = slice[d].stop - slice[d].start;
    origin_ += slice[d].start * strides[d];
    if (size == 1) continue;
    if (!axes_.empty() && axes_.back().stride == size * strides[d]) {
      // Walking on from this dimension's end is a step of the outer one.
      axes_.back() = {axes_.back().size * size, strides[d]};
    } else {
      axes_.push_back({size, strides[d]});
    }
  }
  if (axes_.empty()) axes_.push_back({1, 1});
}

Run SliceWalk::RunAt(int64_t position) const {
  const Axis& inner = axes_.back();
  const int64_t column = position % inner.size;
  Run run{origin_ + column * inner.stride, inner.stride, inner.size - column};
  int64_t row = position / inner.size;
  for (size_t a = axes_.size() - 1; a-- > 0;) {
    run.first += row % axes_[a].size * axes_[a].stride;
    row /= axes_[a].size;
  }
  return run;
}

}  // namespace weightinit
