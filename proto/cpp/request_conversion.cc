#include "proto/cpp/request_conversion.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

SchemeParameters FromProto(const v1::SchemeParameters& proto) {
  SchemeParameters parameters;
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (proto.has_##name()) parameters.name = proto.name();
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  parameters.name = static_cast<type>(proto.name());
#include "weightinit/core/request.def"
  return parameters;
}

FanSpec FromProto(const v1::FanSpec& proto) {
  FanSpec fan;
  fan.layout = static_cast<Layout>(proto.layout());
  fan.groups = proto.groups();
  fan.transposed = proto.transposed();
  if (proto.has_fan_in()) fan.fan_in = proto.fan_in();
  if (proto.has_fan_out()) fan.fan_out = proto.fan_out();
  return fan;
}

TensorSpec FromProto(const v1::TensorSpec& proto) {
  TensorSpec tensor;
  tensor.name = proto.name();
  tensor.shape.assign(proto.shape().begin(), proto.shape().end());
  tensor.scheme = static_cast<Scheme>(proto.scheme());
  tensor.activation = static_cast<Activation>(proto.activation());
  tensor.dtype = static_cast<Dtype>(proto.dtype());
  tensor.parameters = FromProto(proto.parameters());
  tensor.fan = FromProto(proto.fan());
  return tensor;
}

// Request: InitializeTensorRequest or DescribeTensorRequest, which have the
// same fields.
template <typename Request>
TensorRequest RequestFromProto(const Request& proto) {
  TensorRequest request;
  request.tensor = FromProto(proto.tensor());
  request.seed = proto.seed();
  request.generator = static_cast<Generator>(proto.generator());
  request.slice.reserve(static_cast<size_t>(proto.slice_size()));
  for (const v1::DimensionRange& range : proto.slice()) {
    DimensionRange& resolved = request.slice.emplace_back();
    resolved.start = range.start();
    if (range.has_stop()) resolved.stop = range.stop();
  }
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
absl::StatusOr<TensorPlan> Plan(const Request& proto, const Limits& limits) {
  TensorRequest request = RequestFromProto(proto);
  if (!proto.has_tensor()) return TensorMissing(std::move(request), limits);
  return Resolve(request, limits);
}

}  // namespace

absl::StatusOr<TensorPlan> PlanOf(const v1::InitializeTensorRequest& request,
                                  const Limits& limits) {
  return Plan(request, limits);
}

absl::StatusOr<TensorPlan> PlanOf(const v1::DescribeTensorRequest& request,
                                  const Limits& limits) {
  return Plan(request, limits);
}

}  // namespace weightinit
