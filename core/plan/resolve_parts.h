// From the parts of a tensor to their plans.

#ifndef WEIGHTINIT_CORE_PLAN_RESOLVE_PARTS_H_
#define WEIGHTINIT_CORE_PLAN_RESOLVE_PARTS_H_

#include "core/plan/violation_list.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// Adds a violation if there are too many parts, or parts in parts too deep.
// Nothing else may walk the tree of parts if there is one.
void CheckPartCounts(const Concatenation& concatenation,
                     ViolationList& violations);

// Fills in the parts of `plan`, and what follows from them for the whole.
// Adds a violation for each field of the concatenation that is bad.
// REQUIRES: the tensor has parts, and CheckPartCounts has found nothing; of
// `plan` shape, slice, dtype, layout, generator and seed are there and valid.
void ResolveParts(const TensorRequest& request, const Limits& limits,
                  TensorPlan& plan, ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_RESOLVE_PARTS_H_
