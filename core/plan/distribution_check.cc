#include "core/plan/distribution_check.h"

#include <algorithm>
#include <limits>
#include <string>

#include "core/plan/violation_list.h"
#include "core/random/sampler.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// The largest finite value of a dtype.
double LargestFinite(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat64:
      return std::numeric_limits<double>::max();
    case Dtype::kFloat16:
      return 65504.0;
    case Dtype::kBfloat16:
      return 0x1.fep127;
    case Dtype::kFloat32:
    case Dtype::kUnspecified:
      break;
  }
  return std::numeric_limits<float>::max();
}

}  // namespace

bool CheckFinite(const char* field, double lowest, double highest, Dtype dtype,
                 ViolationList& violations) {
  const double limit = LargestFinite(dtype);
  // So that it holds for what is not a number, too.
  if (lowest >= -limit && highest <= limit) return true;
  AddViolation(violations, field, "values from ", lowest, " to ", highest,
               " are possible; they must be finite in ",
               std::string(NameOf(dtype)), ", which ends at ", limit);
  return false;
}

void CheckDistribution(const DistributionParameters& d, Dtype dtype,
                       ViolationList& violations) {
  // No normal draw reaches 10 standard deviations.
  constexpr double kReach = 10.0;
  double lowest = d.mean;
  double highest = d.mean;
  const char* field = "tensor.parameters.value";
  if (d.distribution == Distribution::kUniform) {
    lowest = d.low;
    highest = d.high;
    field = "tensor.parameters.high";
  } else if (d.distribution == Distribution::kNormal) {
    lowest = d.mean - kReach * d.stddev;
    highest = d.mean + kReach * d.stddev;
    field = "tensor.parameters.stddev";
  } else if (d.distribution == Distribution::kTruncatedNormal) {
    lowest = d.mean + d.stddev * std::clamp(d.low, -kReach, kReach);
    highest = d.mean + d.stddev * std::clamp(d.high, -kReach, kReach);
    field = "tensor.parameters.stddev";
    if (!(NormalMass(d.low, d.high) >= 1e-30)) {
      AddViolation(violations, "tensor.parameters.low", "the truncation [",
                   d.low, ", ", d.high,
                   "] is empty: it must hold at least 1e-30 of the standard "
                   "normal distribution");
      return;
    }
  }
  if (!CheckFinite(field, lowest, highest, dtype, violations)) return;
  const bool interval =
      d.distribution == Distribution::kUniform ||
      (d.distribution == Distribution::kTruncatedNormal && d.stddev > 0);
  if (!interval) return;
  const auto holds_value = [&](auto sampler) {
    return sampler.low <= sampler.high;
  };
  const bool holds = dtype == Dtype::kFloat64
                         ? holds_value(MakeSampler<double>(d))
                         : holds_value(MakeSampler<float>(d));
  if (!holds) {
    AddViolation(violations, "tensor.parameters.low",
                 "no value of the dtype lies between the bounds ", lowest,
                 " and ", highest, "; they must be further apart");
  }
}

}  // namespace weightinit
