#include "core/scheme.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/fans.h"
#include "core/sampler.h"
#include "core/violation_list.h"
#include "weightinit/core/names.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

namespace weightinit {
namespace {

absl::string_view SchemeName(Scheme scheme) {
  const std::string_view name = NameOf(scheme);
  return {name.data(), name.size()};
}

// The fan of a mode. A fan of 0 counts as 1: such a tensor has no element.
double FanOf(FanMode mode, const Fans& fans) {
  const auto in =
      static_cast<double>(std::max<int64_t>(1, fans.in.value_or(1)));
  const auto out =
      static_cast<double>(std::max<int64_t>(1, fans.out.value_or(1)));
  switch (mode) {
    case FanMode::kOut:
      return out;
    case FanMode::kAverage:
      return (in + out) * 0.5;
    case FanMode::kGeometric:
      return std::sqrt(in * out);
    case FanMode::kUnspecified:
    case FanMode::kIn:
      break;
  }
  return in;
}

DistributionParameters Constant(double value) {
  return {Distribution::kConstant, value, 0, 0, 0};
}

// Mean 0 and the given variance.
DistributionParameters UniformOf(double variance) {
  const double bound = std::sqrt(3.0 * variance);
  return {Distribution::kUniform, 0, 0, -bound, bound};
}
DistributionParameters NormalOf(double variance) {
  return {Distribution::kNormal, 0, std::sqrt(variance), 0, 0};
}
DistributionParameters TruncatedNormalOf(double variance) {
  return {Distribution::kTruncatedNormal, 0,
          std::sqrt(variance) / kTruncatedStddev, -2, 2};
}

// Adds a violation for each fan that `mode` needs and `fans` lacks.
void RequireFans(Scheme scheme, FanMode mode, const Fans& fans,
                 ViolationList& violations) {
  const auto require = [&](const char* field,
                           const std::optional<int64_t>& fan) {
    if (fan.has_value()) return;
    AddViolation(violations, absl::StrCat("tensor.fan.", field),
                 "is required: ", SchemeName(scheme),
                 " needs it, and a tensor of rank below 2 has none of its own");
  };
  if (mode != FanMode::kOut) require("fan_in", fans.in);
  if (mode != FanMode::kIn && mode != FanMode::kUnspecified) {
    require("fan_out", fans.out);
  }
}

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

// One scalar parameter and whether the scheme takes it.
struct ParameterRule {
  const char* name;
  const std::optional<double>& value;
  bool taken;
  // The lowest value allowed, and whether it is itself.
  double lowest = std::numeric_limits<double>::lowest();
  bool lowest_allowed = true;
};

void CheckParameter(const ParameterRule& rule, Scheme scheme,
                    ViolationList& violations) {
  if (!rule.value.has_value()) return;
  const std::string field = absl::StrCat("tensor.parameters.", rule.name);
  const double value = *rule.value;
  if (!rule.taken) {
    AddViolation(violations, field, "is not taken by the scheme ",
                 SchemeName(scheme));
  } else if (!std::isfinite(value)) {
    AddViolation(violations, field, "is ", value, "; must be finite");
  } else if (value < rule.lowest ||
             (value == rule.lowest && !rule.lowest_allowed)) {
    AddViolation(violations, field, "is ", value, "; must be ",
                 rule.lowest_allowed ? "at least " : "above ", rule.lowest);
  }
}

// Adds a violation if low is not below high, defaults included.
void CheckOrder(const SchemeParameters& parameters, double default_low,
                double default_high, ViolationList& violations) {
  const double low = parameters.low.value_or(default_low);
  const double high = parameters.high.value_or(default_high);
  if (!std::isfinite(low) || !std::isfinite(high) || low < high) return;
  AddViolation(violations,
               parameters.low.has_value() ? "tensor.parameters.low"
                                          : "tensor.parameters.high",
               "low is ", low, " and high is ", high,
               "; low must be below high");
}

}  // namespace

Scheme RecommendedScheme(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
    case Activation::kLeakyRelu:
    case Activation::kSwish:
    case Activation::kGelu:
    case Activation::kElu:
    case Activation::kMish:
    case Activation::kPrelu:
      return Scheme::kHeNormal;
    case Activation::kSelu:
      return Scheme::kLecunNormal;
    case Activation::kUnspecified:
    case Activation::kLinear:
    case Activation::kSigmoid:
    case Activation::kTanh:
    case Activation::kSoftmax:
      break;
  }
  return Scheme::kXavierNormal;
}

Scheme ChooseScheme(Scheme scheme, Activation activation, size_t rank) {
  if (scheme != Scheme::kUnspecified) return scheme;
  return rank < 2 ? Scheme::kZeros : RecommendedScheme(activation);
}

double NegativeSlope(Activation activation,
                     const SchemeParameters& parameters) {
  if (parameters.negative_slope.has_value()) return *parameters.negative_slope;
  if (activation == Activation::kLeakyRelu) return 0.01;
  return activation == Activation::kPrelu ? 0.25 : 0.0;
}

bool UsesFans(Scheme scheme) { return scheme >= Scheme::kXavierUniform; }

void CheckParameters(Scheme scheme, Activation activation,
                     const SchemeParameters& parameters,
                     ViolationList& violations) {
  const bool xavier =
      scheme == Scheme::kXavierUniform || scheme == Scheme::kXavierNormal;
  const bool he = scheme == Scheme::kHeUniform || scheme == Scheme::kHeNormal;
  const bool normal =
      scheme == Scheme::kNormal || scheme == Scheme::kTruncatedNormal;
  const bool interval =
      scheme == Scheme::kUniform || scheme == Scheme::kTruncatedNormal;
  const bool scaling = scheme == Scheme::kVarianceScaling;
  const bool constant = scheme == Scheme::kConstant;
  const ParameterRule rules[] = {
      {"gain", parameters.gain, xavier, 0, false},
      {"negative_slope", parameters.negative_slope, he},
      {"mean", parameters.mean, normal},
      {"stddev", parameters.stddev, normal, 0, true},
      {"low", parameters.low, interval},
      {"high", parameters.high, interval},
      {"value", parameters.value, constant},
      {"scale", parameters.scale, scaling, 0, false},
  };
  for (const ParameterRule& rule : rules) {
    CheckParameter(rule, scheme, violations);
  }
  if (constant && !parameters.value.has_value()) {
    AddViolation(violations, "tensor.parameters.value",
                 "is required by the scheme constant");
  }
  if (he && parameters.negative_slope.has_value() &&
      activation != Activation::kUnspecified &&
      activation != Activation::kLeakyRelu &&
      activation != Activation::kPrelu) {
    AddViolation(violations, "tensor.parameters.negative_slope",
                 "is set for an activation without one; the activation must be "
                 "leaky_relu, prelu or unspecified");
  }
  if (scheme == Scheme::kUniform) CheckOrder(parameters, 0, 1, violations);
  if (scheme == Scheme::kTruncatedNormal) {
    CheckOrder(parameters, -2, 2, violations);
  }
  if (parameters.fan_mode != FanMode::kUnspecified) {
    if (!IsNamed(parameters.fan_mode)) {
      AddViolation(violations, "tensor.parameters.fan_mode", "is ",
                   static_cast<int>(parameters.fan_mode),
                   "; not a known FanMode");
    } else if (!he && !scaling) {
      AddViolation(violations, "tensor.parameters.fan_mode",
                   "is not taken by the scheme ", SchemeName(scheme));
    }
  }
  if (parameters.distribution != Distribution::kUnspecified) {
    if (!IsNamed(parameters.distribution)) {
      AddViolation(violations, "tensor.parameters.distribution", "is ",
                   static_cast<int>(parameters.distribution),
                   "; not a known Distribution");
    } else if (!scaling) {
      AddViolation(violations, "tensor.parameters.distribution",
                   "is not taken by the scheme ", SchemeName(scheme));
    } else if (parameters.distribution == Distribution::kConstant) {
      AddViolation(violations, "tensor.parameters.distribution",
                   "is constant; must be uniform, normal or truncated_normal");
    }
  }
}

ResolvedScheme ResolveScheme(Scheme scheme, Activation activation,
                             const SchemeParameters& parameters,
                             const Fans& fans, ViolationList& violations) {
  switch (scheme) {
    case Scheme::kZeros:
    case Scheme::kUnspecified:
      return {Constant(0), std::nullopt};
    case Scheme::kOnes:
      return {Constant(1), std::nullopt};
    case Scheme::kConstant:
      return {Constant(parameters.value.value_or(0)), std::nullopt};
    case Scheme::kUniform:
      return {{Distribution::kUniform, 0, 0, parameters.low.value_or(0),
               parameters.high.value_or(1)},
              std::nullopt};
    case Scheme::kNormal:
      return {{Distribution::kNormal, parameters.mean.value_or(0),
               parameters.stddev.value_or(1), 0, 0},
              std::nullopt};
    case Scheme::kTruncatedNormal:
      return {{Distribution::kTruncatedNormal, parameters.mean.value_or(0),
               parameters.stddev.value_or(1), parameters.low.value_or(-2),
               parameters.high.value_or(2)},
              std::nullopt};
    case Scheme::kXavierUniform:
    case Scheme::kXavierNormal: {
      RequireFans(scheme, FanMode::kAverage, fans, violations);
      const double gain = parameters.gain.value_or(1);
      const double variance = gain * gain / FanOf(FanMode::kAverage, fans);
      return {scheme == Scheme::kXavierUniform ? UniformOf(variance)
                                               : NormalOf(variance),
              gain};
    }
    case Scheme::kHeUniform:
    case Scheme::kHeNormal: {
      RequireFans(scheme, parameters.fan_mode, fans, violations);
      const double slope = NegativeSlope(activation, parameters);
      const double gain_squared = 2.0 / (1.0 + slope * slope);
      const double variance = gain_squared / FanOf(parameters.fan_mode, fans);
      return {scheme == Scheme::kHeUniform ? UniformOf(variance)
                                           : NormalOf(variance),
              std::sqrt(gain_squared)};
    }
    case Scheme::kLecunUniform:
    case Scheme::kLecunNormal: {
      RequireFans(scheme, FanMode::kIn, fans, violations);
      const double variance = 1.0 / FanOf(FanMode::kIn, fans);
      return {scheme == Scheme::kLecunUniform ? UniformOf(variance)
                                              : NormalOf(variance),
              1.0};
    }
    case Scheme::kVarianceScaling: {
      RequireFans(scheme, parameters.fan_mode, fans, violations);
      const double scale = parameters.scale.value_or(1);
      const double variance = scale / FanOf(parameters.fan_mode, fans);
      const double gain = std::sqrt(scale);
      if (parameters.distribution == Distribution::kUniform) {
        return {UniformOf(variance), gain};
      }
      if (parameters.distribution == Distribution::kNormal) {
        return {NormalOf(variance), gain};
      }
      return {TruncatedNormalOf(variance), gain};
    }
  }
  return {};
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
  const double limit = LargestFinite(dtype);
  if (!(lowest >= -limit && highest <= limit)) {
    AddViolation(violations, field, "values from ", lowest, " to ", highest,
                 " are possible; they must be finite in ",
                 std::string(NameOf(dtype)), ", which ends at ", limit);
    return;
  }
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
