// fan_in and fan_out of a weight.

#ifndef WEIGHTINIT_CORE_PLAN_FANS_H_
#define WEIGHTINIT_CORE_PLAN_FANS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/plan/violation_list.h"
#include "weightinit/core/request.h"

namespace weightinit {

// Inputs of one unit and outputs fed by one unit; absent where the shape has
// none (rank 0 and 1) and none is given.
struct Fans {
  std::optional<int64_t> in;
  std::optional<int64_t> out;
};

// Adds a violation for each field of `spec` that is bad whatever the shape.
void CheckFanSpec(const FanSpec& spec, ViolationList& violations);

// The fans of a shape. With the receptive field r (product of the spatial
// dimensions) and the dimensions in OUT_IN order:
//
//   (O, I/groups, spatial...)              in = I/groups * r, out = O/groups *
//   r (I, O/groups, spatial...), transposed  the same
//
// With groups 1 and not transposed that is torch.nn.init's
// _calculate_fan_in_and_fan_out and, in IN_OUT order, Keras' compute_fans.
// Adds a violation for each bad field of `spec`, as CheckFanSpec does, and for
// each that the shape cannot have. REQUIRES: `shape` is valid.
Fans ComputeFans(const std::vector<int64_t>& shape, const FanSpec& spec,
                 ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_FANS_H_
