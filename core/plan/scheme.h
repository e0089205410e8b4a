// From scheme, activation and fans to a distribution.

#ifndef WEIGHTINIT_CORE_PLAN_SCHEME_H_
#define WEIGHTINIT_CORE_PLAN_SCHEME_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/plan/fans.h"
#include "core/plan/scheme_table.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/request.h"

namespace weightinit {

// The scheme in force where none is named: that of the role, or ZEROS for rank
// 0 and 1 (a bias), or the one recommended for the activation.
Scheme ChooseScheme(TensorRole role, Activation activation, size_t rank);

// Adds a violation for each parameter that is out of range, missing, or not
// taken by the scheme. REQUIRES: `scheme` is named; `activation` is no unknown
// value.
void CheckParameters(Scheme scheme, Activation activation,
                     const SchemeParameters& parameters,
                     ViolationList& violations);

// Adds a violation if the scheme is not for tensors of this shape, or takes no
// groups and there are some.
void CheckTensor(Scheme scheme, const std::vector<int64_t>& shape,
                 const FanSpec& fan, ViolationList& violations);

// The distribution of a scheme. Adds a violation for each fan that it needs and
// that is absent. REQUIRES: CheckParameters added none.
ResolvedScheme ResolveScheme(Scheme scheme, Activation activation,
                             const SchemeParameters& parameters,
                             const Fans& fans, ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_SCHEME_H_
