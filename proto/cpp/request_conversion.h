// From the requests of the contract to those of the core.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_PROTO_CPP_REQUEST_CONVERSION_H_
#define WEIGHTINIT_PROTO_CPP_REQUEST_CONVERSION_H_

#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// The plan of a request. INVALID_ARGUMENT carries every violation, also that no
// tensor is named; OUT_OF_RANGE: first_element is past the end, or
// element_count reaches past it. FAILED_PRECONDITION: a seed_name, and
// `root_seed` is null.
absl::StatusOr<TensorPlan> PlanOf(const v1::InitializeTensorRequest& request,
                                  const Limits& limits,
                                  const RootSeed* root_seed = nullptr);
absl::StatusOr<TensorPlan> PlanOf(const v1::DescribeTensorRequest& request,
                                  const Limits& limits,
                                  const RootSeed* root_seed = nullptr);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_REQUEST_CONVERSION_H_
