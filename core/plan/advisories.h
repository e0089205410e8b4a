// What an experienced user would remark on a request.

#ifndef WEIGHTINIT_CORE_PLAN_ADVISORIES_H_
#define WEIGHTINIT_CORE_PLAN_ADVISORIES_H_

#include <vector>

#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// The advisories of a plan whose other fields are filled in, from a request
// with `parameters`; AdvisoryCode in proto/weightinit/v1/tensor.proto says when
// each applies.
std::vector<Advisory> AdvisoriesOf(const TensorPlan& plan,
                                   const SchemeParameters& parameters);

// Those of a tensor of parts: the first one of each code, with the part that it
// is about.
std::vector<Advisory> AdvisoriesOfParts(const TensorPlan& plan);

// Takes away what holds only where nothing normalises the signal.
void DropAdvisoriesOfBareStacks(TensorPlan& plan);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_ADVISORIES_H_
