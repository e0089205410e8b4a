// What an experienced user would remark on a request.

#ifndef WEIGHTINIT_CORE_PLAN_ADVISORIES_H_
#define WEIGHTINIT_CORE_PLAN_ADVISORIES_H_

#include <vector>

#include "weightinit/core/plan.h"

namespace weightinit {

// The advisories of a plan whose other fields are filled in; AdvisoryCode in
// proto/weightinit/v1/tensor.proto says when each applies.
std::vector<Advisory> AdvisoriesOf(const TensorPlan& plan);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_ADVISORIES_H_
