#include "proto/cpp/request_conversion.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/cpp/spec_conversion.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

// Request: InitializeTensorRequest or DescribeTensorRequest, which have the
// same fields.
template <typename Request>
TensorRequest RequestFromProto(const Request& proto) {
  TensorRequest request;
  request.tensor = FromProto(proto.tensor());
  request.seed = proto.seed();
  request.seed_name = proto.seed_name();
  request.generator = static_cast<Generator>(proto.generator());
  request.slice = FromProto(proto.slice());
  request.first_element = proto.first_element();
  if (proto.has_element_count()) request.element_count = proto.element_count();
  request.chunk_bytes = proto.chunk_bytes();
  return request;
}

// The violations of a request without a tensor: the tensor's absence, and those
// of the fields that can be judged without one.
absl::Status TensorMissing(TensorRequest request, const Limits& limits) {
  std::vector<Violation> violations = {{"tensor", "is required"}};
  request.slice.clear();
  request.first_element = 0;
  request.element_count.reset();
  for (Violation& violation :
       GetViolations(Resolve(request, limits).status())) {
    violations.push_back(std::move(violation));
  }
  return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
}

template <typename Request>
absl::StatusOr<TensorPlan> Plan(const Request& proto, const Limits& limits,
                                const RootSeed* root_seed) {
  TensorRequest request = RequestFromProto(proto);
  if (!proto.has_tensor()) return TensorMissing(std::move(request), limits);
  return Resolve(request, limits, root_seed);
}

}  // namespace

absl::StatusOr<TensorPlan> PlanOf(const v1::InitializeTensorRequest& request,
                                  const Limits& limits,
                                  const RootSeed* root_seed) {
  return Plan(request, limits, root_seed);
}

absl::StatusOr<TensorPlan> PlanOf(const v1::DescribeTensorRequest& request,
                                  const Limits& limits,
                                  const RootSeed* root_seed) {
  return Plan(request, limits, root_seed);
}

}  // namespace weightinit
