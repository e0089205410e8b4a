#include "core/plan/fans.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// The fans that follow from a shape of rank 2 or more.
Fans FansOfShape(const std::vector<int64_t>& shape, const FanSpec& spec,
                 ViolationList& violations) {
  const bool in_out = spec.layout == Layout::kInOut;
  const size_t rank = shape.size();
  const size_t first = in_out ? rank - 1 : 0;
  const size_t second = in_out ? rank - 2 : 1;
  int64_t field = 1;
  for (size_t d = 0; d < rank; ++d) {
    if (d != first && d != second) field *= shape[d];
  }
  const int64_t groups = spec.groups == 0 ? 1 : spec.groups;
  if (groups > 0 && shape[first] % groups != 0) {
    AddViolation(violations, "tensor.fan.groups", "is ", groups,
                 "; must divide tensor.shape[", first, "], which is ",
                 shape[first]);
  }
  // What the first dimension says of one group, and the second dimension.
  int64_t of_first = groups > 0 ? shape[first] / groups * field : 0;
  int64_t of_second = shape[second] * field;
  if (spec.transposed) std::swap(of_first, of_second);
  return {of_second, of_first};
}

}  // namespace

void CheckFanSpec(const FanSpec& spec, ViolationList& violations) {
  if (spec.groups < 0) {
    AddViolation(violations, "tensor.fan.groups", "is ", spec.groups,
                 "; must be at least 1");
  }
  const auto check = [&](const std::optional<int64_t>& fan, const char* name) {
    if (fan.has_value() && *fan < 1) {
      AddViolation(violations, absl::StrCat("tensor.fan.", name), "is ", *fan,
                   "; must be at least 1");
    }
  };
  check(spec.fan_in, "fan_in");
  check(spec.fan_out, "fan_out");
}

Fans ComputeFans(const std::vector<int64_t>& shape, const FanSpec& spec,
                 ViolationList& violations) {
  CheckFanSpec(spec, violations);
  Fans fans;
  if (shape.size() >= 2) {
    fans = FansOfShape(shape, spec, violations);
  } else {
    if (spec.groups > 1) {
      AddViolation(violations, "tensor.fan.groups", "is ", spec.groups,
                   "; a tensor of rank ", shape.size(), " has no groups");
    }
    if (spec.transposed) {
      AddViolation(violations, "tensor.fan.transposed",
                   "is true; a tensor of rank ", shape.size(),
                   " is no transposed convolution");
    }
  }
  if (spec.fan_in.has_value()) fans.in = spec.fan_in;
  if (spec.fan_out.has_value()) fans.out = spec.fan_out;
  return fans;
}

}  // namespace weightinit
