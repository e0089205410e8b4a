// Whether a distribution can be delivered.

#ifndef WEIGHTINIT_CORE_PLAN_DISTRIBUTION_CHECK_H_
#define WEIGHTINIT_CORE_PLAN_DISTRIBUTION_CHECK_H_

#include "core/plan/violation_list.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// Adds a violation of `field` if values from `lowest` to `highest` are not
// finite in the dtype; whether they are.
bool CheckFinite(const char* field, double lowest, double highest, Dtype dtype,
                 ViolationList& violations);

// Adds a violation if the distribution can deliver a value that is not finite
// in the dtype, or has no value of the dtype (or almost no probability) in its
// interval. REQUIRES: `dtype` is a named value.
void CheckDistribution(const DistributionParameters& distribution, Dtype dtype,
                       ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_DISTRIBUTION_CHECK_H_
