#include "weightinit/core/resolve.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/plan/advisories.h"
#include "core/plan/distribution_check.h"
#include "core/plan/fans.h"
#include "core/plan/resolve_parts.h"
#include "core/plan/scheme.h"
#include "core/plan/theory.h"
#include "core/plan/violation_list.h"
#include "core/random/stream_key.h"
#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/names.h"
#include "weightinit/core/orthogonal_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/seed_name.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

void CheckName(const std::string& name, ViolationList& violations) {
  if (name.size() > kMaxNameBytes) {
    AddViolation(violations, "tensor.name", "has ", name.size(),
                 " bytes; must have at most ", kMaxNameBytes);
  } else if (!IsUtf8(name)) {
    AddViolation(violations, "tensor.name", "is not valid UTF-8");
  }
}

// Adds a violation if `value` is neither unspecified nor named. Returns
// `value`, or `fallback` where it is unspecified or unknown.
template <typename E>
E CheckEnum(E value, E fallback, const char* field, const char* type,
            ViolationList& violations) {
  if (IsNamed(value)) return value;
  if (value != E::kUnspecified) {
    AddViolation(violations, field, "is ", static_cast<int>(value),
                 "; not a known ", type);
  }
  return fallback;
}

// The product of the dimensions, or nothing where the shape is invalid.
std::optional<int64_t> CheckShape(const std::vector<int64_t>& shape,
                                  int64_t max_elements,
                                  ViolationList& violations) {
  const size_t before = violations.size();
  if (shape.size() > kMaxRank) {
    AddViolation(violations, "tensor.shape", "has rank ", shape.size(),
                 "; must be at most ", kMaxRank);
    return std::nullopt;
  }
  bool empty = false;
  bool too_large = false;
  // Zeros are left out, so that fans stay in range too.
  int64_t product = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0) {
      AddViolation(violations, absl::StrCat("tensor.shape[", d, "]"), "is ",
                   shape[d], "; must be at least 0");
    } else if (shape[d] == 0) {
      empty = true;
    } else if (product > max_elements / shape[d]) {
      too_large = true;
      product = 1;
    } else {
      product *= shape[d];
    }
  }
  if (too_large) {
    AddViolation(violations, "tensor.shape",
                 "the product of the dimensions must be at most ", max_elements,
                 " elements, the limit in force");
  }
  if (violations.size() != before) return std::nullopt;
  return empty ? 0 : product;
}

// The ranges in force. A negative dimension, which has its own violation,
// bounds no range. REQUIRES: the rank is at most kMaxRank.
std::vector<ResolvedRange> CheckSlice(const std::vector<DimensionRange>& slice,
                                      const std::vector<int64_t>& shape,
                                      ViolationList& violations) {
  std::vector<ResolvedRange> resolved(shape.size());
  for (size_t d = 0; d < shape.size(); ++d) resolved[d] = {0, shape[d]};
  if (slice.empty()) return resolved;
  if (slice.size() != shape.size()) {
    AddViolation(violations, "slice", "has ", slice.size(),
                 " ranges; must have none, or one for each of the ",
                 shape.size(), " dimensions");
    return resolved;
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t size =
        shape[d] < 0 ? std::numeric_limits<int64_t>::max() : shape[d];
    const int64_t start = slice[d].start;
    const int64_t stop = slice[d].stop.value_or(size);
    if (stop < 0 || stop > size) {
      AddViolation(violations, absl::StrCat("slice[", d, "].stop"), "is ", stop,
                   "; must be from 0 to ", size, ", the size of the dimension");
    }
    if (start < 0 || start > size) {
      AddViolation(violations, absl::StrCat("slice[", d, "].start"), "is ",
                   start, "; must be from 0 to ", size,
                   ", the size of the dimension");
    } else if (start > stop) {
      AddViolation(violations, absl::StrCat("slice[", d, "].start"), "is ",
                   start, "; must not be above stop, which is ", stop);
    }
    resolved[d] = {start, stop};
  }
  return resolved;
}

// The bytes of a chunk.
int64_t CheckChunkBytes(int64_t chunk_bytes, ViolationList& violations) {
  if (chunk_bytes == 0) return kDefaultChunkBytes;
  if (chunk_bytes < kMinChunkBytes || chunk_bytes > kMaxChunkBytes) {
    AddViolation(violations, "chunk_bytes", "is ", chunk_bytes,
                 "; must be 0 (default) or from ", kMinChunkBytes, " to ",
                 kMaxChunkBytes);
    return kDefaultChunkBytes;
  }
  return chunk_bytes;
}

// What theory says of the values of a plan that has its distribution, or else
// its gain and structure.
Theory TheoryOfPlan(const TensorPlan& plan) {
  switch (plan.structure) {
    case Structure::kElementwise:
      return TheoryOf(plan.parameters);
    case Structure::kLogOfUniform:
      return TheoryOfLog(plan.parameters);
    case Structure::kInverseSoftplus:
      return TheoryOfInverseSoftplus(plan.parameters);
    case Structure::kDiagonal:
    case Structure::kOrthogonal:
    case Structure::kOrthogonalCentre:
    case Structure::kSparse:
      break;
  }
  if (plan.tensor_elements == 0) return {0, 0, 0, 0};
  const KernelShape kernel = KernelShapeOf(plan.shape, plan.layout);
  if (plan.structure == Structure::kDiagonal) {
    return TheoryOfDiagonal(kernel, plan.groups, *plan.gain);
  }
  if (plan.structure == Structure::kSparse) {
    return TheoryOfSparse(plan.parameters, plan.zeros_per_column, kernel.first);
  }
  return TheoryOfOrthogonal(OrthogonalShapeOf(plan), *plan.gain);
}

// Fills in everything about the distribution, given valid enums, parameters and
// fans.
void ResolveDistribution(const SchemeParameters& parameters, const Fans& fans,
                         int64_t groups, TensorPlan& plan,
                         ViolationList& violations) {
  const size_t before = violations.size();
  const ResolvedScheme scheme =
      ResolveScheme(plan.scheme, plan.activation, parameters, fans, violations);
  if (violations.size() != before) return;
  plan.gain = scheme.gain;
  plan.structure = scheme.structure;
  plan.parameters = scheme.distribution;
  if (plan.structure == Structure::kDiagonal) plan.groups = groups;
  if (plan.structure == Structure::kSparse) {
    const int64_t rows = KernelShapeOf(plan.shape, plan.layout).first;
    plan.zeros_per_column = static_cast<int64_t>(
        std::ceil(scheme.sparsity * static_cast<double>(rows)));
  }
  if (plan.drawn()) {
    CheckDistribution(plan.parameters, plan.dtype, violations);
  } else if (plan.mapped()) {
    CheckDistribution(plan.parameters, Dtype::kFloat64, violations);
  } else {
    CheckFinite("tensor.parameters.gain", *plan.gain, *plan.gain, plan.dtype,
                violations);
  }
  if (violations.size() != before) return;
  const Theory theory = TheoryOfPlan(plan);
  plan.mean = theory.mean;
  plan.stddev = theory.stddev;
  plan.low = theory.low;
  plan.high = theory.high;
}

// Fills in fans and distribution of a tensor without parts. `plan` has its
// enums and its shape.
void ResolveValues(const TensorSpec& spec, bool enums_known, bool shape_valid,
                   TensorPlan& plan, ViolationList& violations) {
  const size_t before = violations.size();
  if (enums_known) {
    CheckParameters(plan.scheme, spec.activation, spec.parameters, violations);
    CheckTensor(plan.scheme, spec.shape, spec.fan, violations);
  }
  const bool parameters_valid = enums_known && violations.size() == before;
  if (!shape_valid) {
    CheckFanSpec(spec.fan, violations);
    return;
  }
  const Fans fans = ComputeFans(spec.shape, spec.fan, violations);
  plan.fan_in = fans.in;
  plan.fan_out = fans.out;
  if (parameters_valid) {
    ResolveDistribution(spec.parameters, fans,
                        std::max<int64_t>(1, spec.fan.groups), plan,
                        violations);
  }
}

// Sets what is delivered of the slice. OUT_OF_RANGE: the slice ends before.
absl::Status ResolveRange(const TensorRequest& request, TensorPlan& plan) {
  int64_t slice_elements = 1;
  for (const int64_t size : plan.SliceShape()) slice_elements *= size;
  ViolationList violations;
  if (request.first_element > slice_elements) {
    AddViolation(violations, "first_element", "is ", request.first_element,
                 "; must be from 0 to ", slice_elements,
                 ", the elements of the slice");
    return ViolationStatus(absl::StatusCode::kOutOfRange, violations);
  }
  const int64_t rest = slice_elements - request.first_element;
  plan.first_element = request.first_element;
  plan.elements = request.element_count.value_or(rest);
  if (plan.elements > rest) {
    AddViolation(violations, "element_count", "is ", plan.elements,
                 "; must be from 0 to ", rest,
                 ", the elements of the slice from first_element on");
    return ViolationStatus(absl::StatusCode::kOutOfRange, violations);
  }
  plan.bytes = plan.elements * DtypeBytes(plan.dtype);
  return absl::OkStatus();
}

// Of the slice: of orthogonal matrices, and of parts together.
int64_t OperationsOf(const TensorPlan& plan) {
  double operations = 0;
  for (const TensorPlan& part : plan.parts) {
    operations += static_cast<double>(part.operations);
  }
  const std::vector<int64_t> sizes = plan.SliceShape();
  if ((plan.structure == Structure::kOrthogonal ||
       plan.structure == Structure::kOrthogonalCentre) &&
      std::find(sizes.begin(), sizes.end(), 0) == sizes.end()) {
    const OrthogonalShape matrix = OrthogonalShapeOf(plan);
    operations = OrthogonalOperations(matrix.rows.start, matrix.rows.stop,
                                      matrix.longer());
  }
  constexpr double kMost = 0x1p62;
  return static_cast<int64_t>(std::min(operations, kMost));
}

// Fills in what the slice costs. INVALID_ARGUMENT: more than the limit.
absl::Status ResolveCost(const Limits& limits, TensorPlan& plan) {
  plan.operations = OperationsOf(plan);
  if (plan.operations <= limits.max_operations) return absl::OkStatus();
  ViolationList violations;
  AddViolation(violations, "tensor.shape", "takes ", plan.operations,
               " floating-point operations; must take at most ",
               limits.max_operations,
               ", the limit in force, and a slice takes fewer");
  return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
}

}  // namespace

absl::StatusOr<TensorPlan> Resolve(const TensorRequest& request,
                                   const Limits& limits,
                                   const RootSeed* root_seed) {
  const TensorSpec& spec = request.tensor;
  ViolationList violations;
  TensorPlan plan;
  plan.generator = CheckEnum(request.generator, Generator::kPhilox4x32V1,
                             "generator", "Generator", violations);
  plan.activation = CheckEnum(spec.activation, Activation::kLinear,
                              "tensor.activation", "Activation", violations);
  plan.dtype = CheckEnum(spec.dtype, Dtype::kFloat32, "tensor.dtype", "Dtype",
                         violations);
  plan.layout = CheckEnum(spec.fan.layout, Layout::kOutIn, "tensor.fan.layout",
                          "Layout", violations);
  plan.role = CheckEnum(spec.role, TensorRole::kUnspecified, "tensor.role",
                        "TensorRole", violations);
  plan.scheme = CheckEnum(
      spec.scheme, ChooseScheme(plan.role, plan.activation, spec.shape.size()),
      "tensor.scheme", "Scheme", violations);
  const bool enums_known = violations.empty();

  CheckName(spec.name, violations);
  const absl::StatusOr<uint64_t> seed =
      SeedInForce(request.seed, request.seed_name, root_seed);
  for (Violation& violation : GetViolations(seed.status())) {
    violations.push_back(std::move(violation));
  }
  if (seed.ok()) plan.seed = *seed;
  const int64_t chunk_bytes = CheckChunkBytes(request.chunk_bytes, violations);
  const int64_t max_elements =
      std::min(limits.max_elements, kMaxElementsCeiling);
  const size_t before_shape = violations.size();
  const std::optional<int64_t> tensor_elements =
      CheckShape(spec.shape, max_elements, violations);
  if (spec.shape.size() <= kMaxRank) {
    plan.slice = CheckSlice(request.slice, spec.shape, violations);
  }
  plan.shape = spec.shape;
  plan.tensor_elements = tensor_elements.value_or(0);
  if (spec.concatenation.parts.empty()) {
    ResolveValues(spec, enums_known, tensor_elements.has_value(), plan,
                  violations);
  } else {
    plan.scheme = Scheme::kUnspecified;
    CheckPartCounts(spec.concatenation, violations);
    if (enums_known && violations.size() == before_shape) {
      ResolveParts(request, limits, plan, violations);
    }
  }
  if (request.first_element < 0) {
    AddViolation(violations, "first_element", "is ", request.first_element,
                 "; must be at least 0");
  }
  if (request.element_count.value_or(0) < 0) {
    AddViolation(violations, "element_count", "is ", *request.element_count,
                 "; must be at least 0");
  }
  if (!violations.empty()) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
  }

  if (!seed.ok()) return seed.status();
  plan.seed_name = request.seed_name;
  plan.name = spec.name;
  if (absl::Status status = ResolveCost(limits, plan); !status.ok()) {
    return status;
  }
  if (absl::Status status = ResolveRange(request, plan); !status.ok()) {
    return status;
  }
  plan.chunk_elements = chunk_bytes / DtypeBytes(plan.dtype);
  if (plan.parts.empty()) {
    plan.stream_key = DeriveStreamKey(plan.seed, plan.name);
    plan.advisories = AdvisoriesOf(plan, spec);
  }
  return plan;
}

}  // namespace weightinit
