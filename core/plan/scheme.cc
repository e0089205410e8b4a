#include "core/plan/scheme.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/plan/fans.h"
#include "core/plan/scheme_table.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

std::string FieldOf(const char* parameter) {
  return absl::StrCat("tensor.parameters.", parameter);
}

void AddNotTaken(const char* parameter, Scheme scheme,
                 ViolationList& violations) {
  AddViolation(violations, FieldOf(parameter), "is not taken by the scheme ",
               std::string(NameOf(scheme)));
}

// The number that `taken` stands for, unless it is given.
double DefaultOf(const TakenParameter& taken, Activation activation) {
  return taken.kind == TakenParameter::Default::kActivation
             ? RowOf(activation).negative_slope.value_or(0)
             : taken.number;
}

SchemeInputs InputsOf(const SchemeRow& row, Activation activation,
                      const SchemeParameters& given) {
  SchemeInputs in;
  for (const TakenParameter& taken : row.parameters) {
    const double otherwise = DefaultOf(taken, activation);
    switch (taken.parameter) {
#define WEIGHTINIT_PARAMETER(name, ...)       \
  case Parameter::name:                       \
    in.name = given.name.value_or(otherwise); \
    break;
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...)                \
  case Parameter::name:                                             \
    in.name = given.name != type::kUnspecified                      \
                  ? given.name                                      \
                  : static_cast<type>(static_cast<int>(otherwise)); \
    break;
#include "weightinit/core/request.def"
    }
  }
  if (const auto variance_gain = RowOf(activation).variance_gain) {
    in.variance_gain = variance_gain(in.negative_slope);
  }
  return in;
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

// Adds a violation for each fan that `mode` needs and `fans` lacks.
void RequireFans(Scheme scheme, FanMode mode, const Fans& fans,
                 ViolationList& violations) {
  const auto require = [&](const char* field,
                           const std::optional<int64_t>& fan) {
    if (fan.has_value()) return;
    AddViolation(violations, absl::StrCat("tensor.fan.", field),
                 "is required: ", std::string(NameOf(scheme)),
                 " needs it, and a tensor of rank below 2 has none of its own");
  };
  if (mode != FanMode::kOut) require("fan_in", fans.in);
  if (mode != FanMode::kIn) require("fan_out", fans.out);
}

bool InRange(const ParameterRange& range, double value) {
  return value <= range.highest &&
         (range.lowest_allowed ? value >= range.lowest : value > range.lowest);
}

void CheckNumber(const ParameterRow& row, Scheme scheme, double value,
                 ViolationList& violations) {
  const ParameterRange& range = row.range;
  if (RowOf(scheme).Find(row.parameter) == nullptr) {
    AddNotTaken(row.name, scheme, violations);
  } else if (!std::isfinite(value)) {
    AddViolation(violations, FieldOf(row.name), "is ", value,
                 "; must be finite");
  } else if (!InRange(range, value)) {
    AddViolation(violations, FieldOf(row.name), "is ", value, "; must be ",
                 RangeText(range));
  }
}

template <typename E>
void CheckChoice(Parameter parameter, const char* name, const char* type,
                 Scheme scheme, E value, ViolationList& violations) {
  if (value == E::kUnspecified) return;
  if (!IsNamed(value)) {
    AddViolation(violations, FieldOf(name), "is ", static_cast<int>(value),
                 "; not a known ", type);
  } else if (RowOf(scheme).Find(parameter) == nullptr) {
    AddNotTaken(name, scheme, violations);
  } else if (!IsOffered(value)) {
    AddViolation(violations, FieldOf(name), "is ", std::string(NameOf(value)),
                 "; must be ", AnyOf(OfferedNames<E>()));
  }
}

// The activations with which a slope may be given.
std::vector<std::string> ActivationsWithSlope() {
  std::vector<std::string> names;
  for (const ActivationRow& row : ActivationRows()) {
    if (row.negative_slope.has_value()) {
      names.emplace_back(NameOf(row.activation));
    }
  }
  return names;
}

// The formula has the activation in it, and no other place for a slope.
bool IsVariancePreserving(Scheme scheme) {
  return scheme == Scheme::kVariancePreservingUniform ||
         scheme == Scheme::kVariancePreservingNormal;
}

// Adds a violation if the slope given is not the activation's.
void CheckSlope(Scheme scheme, Activation activation,
                const SchemeParameters& given, ViolationList& violations) {
  const bool needs_activation = IsVariancePreserving(scheme);
  const bool allowed = activation == Activation::kUnspecified
                           ? !needs_activation
                           : RowOf(activation).negative_slope.has_value();
  if (allowed || !given.negative_slope.has_value() ||
      RowOf(scheme).Find(Parameter::negative_slope) == nullptr) {
    return;
  }
  std::vector<std::string> names = ActivationsWithSlope();
  if (!needs_activation) names.emplace_back("unspecified");
  AddViolation(violations, FieldOf("negative_slope"),
               "is set for an activation without one; the activation must be ",
               AnyOf(names));
}

// Adds a violation if the kernel can't pass all of its inputs on through a
// centre. REQUIRES: the rank is from 3 to 5.
void CheckDelta(const std::vector<int64_t>& shape, Layout layout,
                ViolationList& violations) {
  const std::string name(NameOf(Scheme::kDeltaOrthogonal));
  const bool in_out = layout == Layout::kInOut;
  const size_t rank = shape.size();
  const int64_t outputs = shape[in_out ? rank - 1 : 0];
  const int64_t inputs = shape[in_out ? rank - 2 : 1];
  if (inputs > outputs) {
    AddViolation(violations, "tensor.shape", "has ", inputs, " inputs and ",
                 outputs, " outputs; ", name,
                 " must have no more inputs than outputs");
  }
  const size_t spatial = in_out ? 0 : 2;
  for (size_t d = spatial; d < spatial + rank - 2; ++d) {
    if (shape[d] % 2 == 0) {
      AddViolation(violations, absl::StrCat("tensor.shape[", d, "]"), "is ",
                   shape[d], "; must be odd for ", name,
                   ", so that the kernel has a centre");
    }
  }
}

// Adds a violation if low is not below high.
void CheckOrder(const SchemeParameters& given, const SchemeInputs& in,
                ViolationList& violations) {
  if (!std::isfinite(in.low) || !std::isfinite(in.high) || in.low < in.high) {
    return;
  }
  AddViolation(violations,
               given.low.has_value() ? "tensor.parameters.low"
                                     : "tensor.parameters.high",
               "low is ", in.low, " and high is ", in.high,
               "; low must be below high");
}

// Adds a violation for each bound of which the function of the scheme can't be
// computed.
void CheckMappedBounds(Scheme scheme, const SchemeInputs& in,
                       ViolationList& violations) {
  double lowest = 0;
  double highest = 0;
  if (scheme == Scheme::kLogOfUniform) {
    lowest = 1e-300;
    highest = 1e300;
  } else if (scheme == Scheme::kInverseSoftplus) {
    lowest = 1e-8;
    highest = 100;
  } else {
    return;
  }
  const auto check = [&](const char* name, double value) {
    if (!std::isfinite(value) || (value >= lowest && value <= highest)) return;
    AddViolation(violations, FieldOf(name), "is ", value, "; must be from ",
                 lowest, " to ", highest, " for ", std::string(NameOf(scheme)));
  };
  check("low", in.low);
  check("high", in.high);
}

}  // namespace

Scheme ChooseScheme(TensorRole role, Activation activation, size_t rank) {
#define WEIGHTINIT_TENSOR_ROLE(enumerator, number, names, wire, scheme) \
  if (role == TensorRole::enumerator &&                                 \
      Scheme::scheme != Scheme::kUnspecified) {                         \
    return Scheme::scheme;                                              \
  }
#include "weightinit/core/request.def"
  return rank < 2 && role != TensorRole::kWeight
             ? Scheme::kZeros
             : RowOf(activation).recommended;
}

void CheckParameters(Scheme scheme, Activation activation,
                     const SchemeParameters& parameters,
                     ViolationList& violations) {
  const SchemeRow& row = RowOf(scheme);
  for (const ParameterRow& parameter : ParameterRows()) {
    const std::optional<double>& value = parameters.*parameter.member;
    const TakenParameter* const taken = row.Find(parameter.parameter);
    if (value.has_value()) {
      CheckNumber(parameter, scheme, *value, violations);
    } else if (taken != nullptr &&
               taken->kind == TakenParameter::Default::kNone) {
      AddViolation(violations, FieldOf(parameter.name),
                   "is required by the scheme ", std::string(NameOf(scheme)));
    }
  }
  CheckSlope(scheme, activation, parameters, violations);
  if (IsVariancePreserving(scheme) &&
      RowOf(activation).variance_gain == nullptr) {
    AddViolation(violations, "tensor.activation", "is ",
                 std::string(NameOf(activation)),
                 ", which is no function of one number, so that ",
                 std::string(NameOf(scheme)),
                 " has no gain for it; must be another activation");
  }
  if (row.Find(Parameter::low) != nullptr &&
      row.Find(Parameter::high) != nullptr) {
    const SchemeInputs in = InputsOf(row, activation, parameters);
    CheckOrder(parameters, in, violations);
    CheckMappedBounds(scheme, in, violations);
  }
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...)                  \
  CheckChoice(Parameter::name, #name, #type, scheme, parameters.name, \
              violations);
#include "weightinit/core/request.def"
}

void CheckTensor(Scheme scheme, const std::vector<int64_t>& shape,
                 const FanSpec& fan, ViolationList& violations) {
  const TensorsOfScheme& tensors = RowOf(scheme).tensors;
  const std::string name(NameOf(scheme));
  const size_t rank = shape.size();
  if (rank < tensors.least_rank || rank > tensors.highest_rank) {
    AddViolation(violations, "tensor.shape", "has rank ", rank, "; must be ",
                 RankText(tensors), " for ", name,
                 tensors.least_rank == 3 ? ", which is for convolutions" : "");
    return;
  }
  if (!tensors.grouped && fan.groups > 1) {
    AddViolation(violations, "tensor.fan.groups", "is ", fan.groups,
                 "; must be 1 for ", name);
  }
  if (scheme == Scheme::kDeltaOrthogonal) {
    CheckDelta(shape, fan.layout, violations);
  }
}

ResolvedScheme ResolveScheme(Scheme scheme, Activation activation,
                             const SchemeParameters& parameters,
                             const Fans& fans, ViolationList& violations) {
  const SchemeRow& row = RowOf(scheme);
  SchemeInputs in = InputsOf(row, activation, parameters);
  if (const std::optional<FanMode> mode = row.fan_mode(in)) {
    RequireFans(scheme, *mode, fans, violations);
    in.fan = FanOf(*mode, fans);
  }
  return row.distribution(in);
}

}  // namespace weightinit
