// From a request to a plan: every choice made, every default filled in.

#ifndef WEIGHTINIT_CORE_RESOLVE_H_
#define WEIGHTINIT_CORE_RESOLVE_H_

#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/root_seed.h"

namespace weightinit {

// Resolves a request in time and memory that do not depend on the size of the
// tensor. INVALID_ARGUMENT carries every violation (see violations.h);
// OUT_OF_RANGE: first_element is past the end, or element_count reaches past
// it. FAILED_PRECONDITION: seed_name is given, but no root seed to derive it
// from.
absl::StatusOr<TensorPlan> Resolve(const TensorRequest& request,
                                   const Limits& limits = {},
                                   const RootSeed* root_seed = nullptr);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RESOLVE_H_
