#include "core/plan/resolve_parts.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/plan/advisories.h"
#include "core/plan/parameter_overlay.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

constexpr char kField[] = "tensor.concatenation";

std::string PartField(size_t index) {
  return absl::StrCat(kField, ".parts[", index, "]");
}

// Counts the parts, and stops where there are too many or they lie too deep.
struct PartCounts {
  int parts = 0;
  int levels = 0;

  bool TooMany() const { return parts > kMaxParts || levels > kMaxPartLevels; }

  void Add(const Concatenation& concatenation, int level) {
    if (concatenation.parts.empty()) return;
    levels = std::max(levels, level);
    for (const TensorPart& part : concatenation.parts) {
      ++parts;
      if (TooMany()) return;
      Add(part.concatenation, level + 1);
    }
  }
};

// The axis, or nothing where it is none of the tensor's.
std::optional<size_t> CheckAxis(const Concatenation& concatenation,
                                const std::vector<int64_t>& shape,
                                ViolationList& violations) {
  if (shape.empty()) {
    AddViolation(violations, kField, "has parts; a scalar has none");
    return std::nullopt;
  }
  const auto rank = static_cast<int64_t>(shape.size());
  if (concatenation.axis < 0 || concatenation.axis >= rank) {
    AddViolation(violations, absl::StrCat(kField, ".axis"), "is ",
                 concatenation.axis, "; must be from 0 to ", rank - 1,
                 ", the last dimension of the tensor");
    return std::nullopt;
  }
  return static_cast<size_t>(concatenation.axis);
}

// Whether the sizes of the parts make up the axis, which has `size` elements.
bool CheckSizes(const Concatenation& concatenation, size_t axis, int64_t size,
                ViolationList& violations) {
  const size_t before = violations.size();
  const auto& parts = concatenation.parts;
  if (concatenation.stacked) {
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].size != 0) {
        AddViolation(violations, PartField(i) + ".size", "is ", parts[i].size,
                     "; stacked parts have none");
      }
    }
    if (static_cast<int64_t>(parts.size()) != size) {
      AddViolation(violations, absl::StrCat(kField, ".parts"), "has ",
                   parts.size(), " stacked parts; must have ", size,
                   ", as tensor.shape[", axis, "] says");
    }
    return violations.size() == before;
  }
  int64_t sum = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].size < 0) {
      AddViolation(violations, PartField(i) + ".size", "is ", parts[i].size,
                   "; must be at least 0");
    } else {
      // No more than the axis, so that the sum cannot overflow.
      sum += std::min(parts[i].size, size + 1 - std::min(sum, size));
    }
  }
  if (violations.size() == before && sum != size) {
    AddViolation(violations, absl::StrCat(kField, ".parts"),
                 "have sizes that do not add up to ", size, ", tensor.shape[",
                 axis, "]");
  }
  return violations.size() == before;
}

void CheckNames(const Concatenation& concatenation, ViolationList& violations) {
  absl::flat_hash_set<std::string> names;
  for (size_t i = 0; i < concatenation.parts.size(); ++i) {
    const std::string& name = concatenation.parts[i].name;
    if (name.empty()) {
      AddViolation(violations, PartField(i) + ".name", "is required");
    } else if (!names.insert(name).second) {
      AddViolation(violations, PartField(i) + ".name",
                   "is the name of another part; two parts of one name would "
                   "have equal weights");
    }
  }
}

// What of a tensor with parts belongs to the parts.
void CheckTensorFan(const FanSpec& fan, ViolationList& violations) {
  const auto check = [&](bool set, const char* name) {
    if (set) {
      AddViolation(violations, absl::StrCat("tensor.fan.", name),
                   "is set; in a tensor with parts the parts have fans");
    }
  };
  check(fan.groups != 0, "groups");
  check(fan.transposed, "transposed");
  check(fan.fan_in.has_value(), "fan_in");
  check(fan.fan_out.has_value(), "fan_out");
}

// The part of `slice` that is in the indices from `start` on of a part.
DimensionRange Within(const ResolvedRange& slice, int64_t start, int64_t size) {
  DimensionRange range;
  range.start = std::clamp<int64_t>(slice.start - start, 0, size);
  range.stop =
      std::max(range.start, std::clamp<int64_t>(slice.stop - start, 0, size));
  return range;
}

// The request for one part, which starts at `start` of the axis.
TensorRequest PartRequest(const TensorRequest& whole, const TensorPlan& plan,
                          size_t axis, int64_t start, const TensorPart& part) {
  TensorRequest request;
  request.seed = plan.seed;
  request.generator = plan.generator;
  TensorSpec& spec = request.tensor;
  spec.name = part.name;
  spec.dtype = plan.dtype;
  spec.activation = part.activation != Activation::kUnspecified
                        ? part.activation
                        : whole.tensor.activation;
  spec.scheme = part.scheme;
  spec.parameters = part.parameters;
  if (part.scheme == Scheme::kUnspecified) {
    spec.scheme = whole.tensor.scheme;
    spec.parameters = whole.tensor.parameters;
    OverlayParameters(part.parameters, spec.parameters);
  }
  spec.fan = part.fan;
  spec.fan.layout = plan.layout;
  spec.concatenation = part.concatenation;
  for (size_t d = 0; d < plan.shape.size(); ++d) {
    const ResolvedRange& slice = plan.slice[d];
    if (d != axis) {
      spec.shape.push_back(plan.shape[d]);
      request.slice.push_back({slice.start, slice.stop});
    } else if (!whole.tensor.concatenation.stacked) {
      spec.shape.push_back(part.size);
      request.slice.push_back(Within(slice, start, part.size));
    }
  }
  return request;
}

// Mean, standard deviation and bounds of all values, wherever they are.
void ResolveMixture(TensorPlan& plan) {
  double elements = 0;
  for (const TensorPlan& part : plan.parts) {
    elements += static_cast<double>(part.tensor_elements);
  }
  if (elements == 0) return;
  double mean = 0;
  double square = 0;
  bool bounded_below = true;
  bool bounded_above = true;
  std::optional<double> low;
  std::optional<double> high;
  for (const TensorPlan& part : plan.parts) {
    if (part.tensor_elements == 0) continue;
    const double share = static_cast<double>(part.tensor_elements) / elements;
    mean += share * part.mean;
    square += share * (part.stddev * part.stddev + part.mean * part.mean);
    bounded_below = bounded_below && part.low.has_value();
    bounded_above = bounded_above && part.high.has_value();
    if (part.low.has_value()) {
      low = std::min(low.value_or(*part.low), *part.low);
    }
    if (part.high.has_value()) {
      high = std::max(high.value_or(*part.high), *part.high);
    }
  }
  plan.mean = mean;
  plan.stddev = std::sqrt(std::max(0.0, square - mean * mean));
  if (bounded_below) plan.low = low;
  if (bounded_above) plan.high = high;
}

}  // namespace

void CheckPartCounts(const Concatenation& concatenation,
                     ViolationList& violations) {
  PartCounts counts;
  counts.Add(concatenation, 1);
  if (!counts.TooMany()) return;
  AddViolation(violations, absl::StrCat(kField, ".parts"), "has more than ",
               kMaxParts, " parts in all, or more than ", kMaxPartLevels,
               " levels of parts in parts");
}

void ResolveParts(const TensorRequest& request, const Limits& limits,
                  TensorPlan& plan, ViolationList& violations) {
  const Concatenation& concatenation = request.tensor.concatenation;
  CheckTensorFan(request.tensor.fan, violations);
  CheckNames(concatenation, violations);
  const std::optional<size_t> axis =
      CheckAxis(concatenation, plan.shape, violations);
  if (!axis.has_value() ||
      !CheckSizes(concatenation, *axis, plan.shape[*axis], violations)) {
    return;
  }
  plan.axis = concatenation.axis;
  plan.stacked = concatenation.stacked;
  plan.parts.reserve(concatenation.parts.size());
  int64_t start = 0;
  for (size_t i = 0; i < concatenation.parts.size(); ++i) {
    const TensorPart& part = concatenation.parts[i];
    if (part.fan.layout != Layout::kUnspecified) {
      AddViolation(violations, PartField(i) + ".fan.layout",
                   "is set; the layout is the tensor's");
    }
    absl::StatusOr<TensorPlan> resolved =
        Resolve(PartRequest(request, plan, *axis, start, part), limits);
    for (const Violation& violation : GetViolations(resolved.status())) {
      absl::string_view field = violation.field;
      absl::ConsumePrefix(&field, "tensor.");
      AddViolation(violations, absl::StrCat(PartField(i), ".", field),
                   violation.description);
    }
    if (resolved.ok()) {
      const ResolvedRange& slice = plan.slice[*axis];
      if (concatenation.stacked &&
          (start < slice.start || start >= slice.stop)) {
        resolved->elements = 0;
        resolved->bytes = 0;
        resolved->operations = 0;
      }
      plan.parts.push_back(*std::move(resolved));
    }
    start += concatenation.stacked ? 1 : part.size;
  }
  if (plan.parts.size() != concatenation.parts.size()) return;
  ResolveMixture(plan);
  plan.advisories = AdvisoriesOfParts(plan);
}

}  // namespace weightinit
