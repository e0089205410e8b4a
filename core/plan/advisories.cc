#include "core/plan/advisories.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/plan/fans.h"
#include "core/plan/mean_field.h"
#include "core/plan/scheme.h"
#include "core/plan/scheme_table.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

using Response = ActivationRow::Response;

// How far from the recommended standard deviation is remarkable, where depth
// says nothing.
constexpr double kTooFar = 10.0;

std::string Name(Scheme scheme) { return std::string(NameOf(scheme)); }
std::string Name(Activation activation) {
  return std::string(NameOf(activation));
}

std::string Name(TensorRole role) { return std::string(NameOf(role)); }

// By the last part of the name, "bias_ih_l0" of "encoder.lstm.bias_ih_l0".
bool IsNameOfBias(const std::string& name) {
  const std::string last =
      absl::AsciiStrToLower(name.substr(name.find_last_of("./") + 1));
  return absl::StrContains(last, "bias") || absl::StrContains(last, "beta");
}

// Whether units of a layer are told apart by its values.
bool MayBeWeight(TensorRole role) {
  return role == TensorRole::kUnspecified || role == TensorRole::kWeight ||
         role == TensorRole::kEmbedding;
}

bool IsXavier(Scheme scheme) {
  return scheme == Scheme::kXavierUniform || scheme == Scheme::kXavierNormal;
}

bool IsHe(Scheme scheme) {
  return scheme == Scheme::kHeUniform || scheme == Scheme::kHeNormal;
}

// Three significant digits, the same ones on every machine: a tie goes up,
// whatever the last bits.
double Rounded(double x) {
  if (x < 1e-300 || !std::isfinite(x)) return x;
  const double nudged = x * (1 + 1e-9);
  const double unit = std::pow(10.0, std::floor(std::log10(nudged)) - 2);
  return std::floor(nudged / unit + 0.5) * unit;
}

// `scheme` with its defaults, in the place of the plan's.
ResolvedScheme InPlaceOf(const TensorPlan& plan, Scheme scheme) {
  ViolationList none;
  return ResolveScheme(scheme, plan.activation, SchemeParameters(),
                       Fans{plan.fan_in, plan.fan_out}, none);
}

// Whether the mean-field recursion says more of the tensor than a comparison
// with the recommended standard deviation. Not of
//
//   linear   which is also what a request says that names no activation, as for
//            an embedding, and for layers whose input is normalised or whose
//            output is added to a residual stream, as most of a transformer are
//   softmax  no function of one number
//   a mean   what it adds to the sums is the same for all units of a layer, and
//            no part of the variance
bool JudgedByDepth(const TensorPlan& plan) {
  return plan.activation != Activation::kLinear &&
         RowOf(plan.activation).variance_gain != nullptr && plan.mean == 0;
}

// fan_in Var(w) in a stack of layers like the plan's. A scheme that divides by
// a fan adapts to each layer, and no layer that is not square can follow
// itself: what the fans do, as of Xavier's where a layer widens or of fan_mode
// out, later layers undo. So its stack is one of equal fans, where gain^2 is
// left, which is that of an orthogonal matrix too. A standard deviation that is
// given stays what it is, and its stack has the fan_in of this layer.
double VarianceInStack(const TensorPlan& plan) {
  if (plan.gain.has_value()) return *plan.gain * *plan.gain;
  return static_cast<double>(plan.fan_in.value_or(1)) * plan.stddev *
         plan.stddev;
}

std::optional<Advisory> ByDepth(const TensorPlan& plan,
                                const SchemeParameters& parameters) {
  const ActivationRow& row = RowOf(plan.activation);
  const double slope =
      parameters.negative_slope.value_or(row.negative_slope.value_or(0));
  const double variance = VarianceInStack(plan);
  const SignalInDepth signal = FollowSignal(plan.activation, slope, variance);
  if (!signal.depth.has_value()) return std::nullopt;

  const double ideal_gain = *InPlaceOf(plan, row.recommended).gain;
  const double ratio = variance / (ideal_gain * ideal_gain);
  const bool as_recommended = std::fabs(ratio - 1) < 0.01;
  const bool ideal_departs =
      as_recommended ||
      FollowSignal(plan.activation, slope, ideal_gain * ideal_gain)
          .depth.has_value();
  const Scheme better =
      ideal_departs ? Scheme::kVariancePreservingNormal : row.recommended;
  const std::string what = absl::StrCat(
      ": in a stack of such layers without normalisation, the "
      "first multiplies the variance of the signal by ",
      Rounded(signal.first_factor), ", and after ", *signal.depth,
      *signal.depth == 1 ? " layer" : " layers", " its RMS is ",
      signal.grows ? "10 times as large" : "below a tenth");
  const std::string instead =
      absl::StrCat("; take ", Name(better), " (stddev ",
                   InPlaceOf(plan, better).distribution.stddev, ")");
  const std::string which =
      absl::StrCat(Name(plan.scheme), " before ", Name(plan.activation));
  const std::string spread = absl::StrCat("stddev ", plan.stddev, " of ");

  Advisory advisory;
  advisory.normalization_mends =
      ratio <= kTooFar * kTooFar && ratio * kTooFar * kTooFar >= 1;
  if (signal.grows) {
    advisory.code = AdvisoryCode::kStddevTooHigh;
    advisory.message =
        absl::StrCat(spread, which, what, ": signals may explode", instead);
  } else if (as_recommended) {
    advisory.code = AdvisoryCode::kFadesInDepth;
    advisory.message = absl::StrCat(which, ", as recommended, fades in depth",
                                    what, instead, " where layers are many");
  } else if (IsXavier(plan.scheme) && row.response == Response::kRectifying) {
    advisory.code = AdvisoryCode::kXavierWithRelu;
    advisory.message = absl::StrCat(which, what, instead);
  } else {
    advisory.code = AdvisoryCode::kStddevTooLow;
    advisory.message =
        absl::StrCat(spread, which, what, ": signals may vanish", instead);
  }
  return advisory;
}

std::optional<Advisory> ByStddev(const TensorPlan& plan) {
  const Scheme recommended = RowOf(plan.activation).recommended;
  const double ideal = InPlaceOf(plan, recommended).distribution.stddev;
  const double ratio = plan.stddev / ideal;
  const bool high = ratio > kTooFar;
  if (!high && ratio >= 1.0 / kTooFar) return std::nullopt;
  return Advisory{
      high ? AdvisoryCode::kStddevTooHigh : AdvisoryCode::kStddevTooLow,
      absl::StrCat("stddev ", plan.stddev, " is ", ratio, " times the ", ideal,
                   " of ", Name(recommended), ", recommended for ",
                   Name(plan.activation), ": signals may ",
                   high ? "explode" : "vanish")};
}

// About the variance of a tensor whose values are not all equal.
std::optional<Advisory> OfVariance(const TensorPlan& plan,
                                   const SchemeParameters& parameters) {
  // These matrices are not made to have a variance, and a tensor without
  // elements has none.
  if (plan.structure == Structure::kDiagonal ||
      plan.structure == Structure::kSparse || plan.mapped() ||
      plan.tensor_elements == 0) {
    return std::nullopt;
  }
  const ActivationRow& row = RowOf(plan.activation);
  if (IsHe(plan.scheme) && row.response == Response::kSaturating) {
    return Advisory{
        AdvisoryCode::kHeWithSaturating,
        absl::StrCat(Name(plan.scheme), " before ", Name(plan.activation),
                     ": its variance is meant for rectified units and drives "
                     "this one towards saturation; ",
                     Name(row.recommended), " is recommended")};
  }
  // Others of low rank are biases and scales.
  const bool by_depth = JudgedByDepth(plan);
  if (plan.shape.size() < 2 && !(by_depth && IsXavier(plan.scheme))) {
    return std::nullopt;
  }
  return by_depth ? ByDepth(plan, parameters) : ByStddev(plan);
}

}  // namespace

std::vector<Advisory> AdvisoriesOf(const TensorPlan& plan,
                                   const TensorSpec& spec) {
  std::vector<Advisory> advisories;
  if (plan.shape.size() < 2 && spec.scheme == Scheme::kUnspecified &&
      plan.role == TensorRole::kUnspecified && !IsNameOfBias(plan.name)) {
    advisories.push_back(
        {AdvisoryCode::kRoleNotSaid,
         absl::StrCat("all values of this rank-", plan.shape.size(),
                      " tensor are 0, as those of a bias; say its scheme, or "
                      "its role: ",
                      Name(TensorRole::kNormScale),
                      " for what a normalisation multiplies by, ",
                      Name(TensorRole::kBias), " if it is a bias")});
  }
  if (plan.name.empty() && plan.shape.size() >= 2 && plan.stddev > 0 &&
      plan.structure != Structure::kDiagonal) {
    advisories.push_back(
        {AdvisoryCode::kNameEmpty,
         "the tensor has no name; another one of this shape and seed without a "
         "name has the same values"});
  }
  if (!MayBeWeight(plan.role)) return advisories;
  if (plan.shape.size() >= 2 && plan.stddev == 0) {
    advisories.push_back(
        {AdvisoryCode::kSymmetryNotBroken,
         absl::StrCat("all values of this rank-", plan.shape.size(),
                      " tensor are equal, so all units of the layer stay equal "
                      "in training; ",
                      Name(RowOf(plan.activation).recommended),
                      " is recommended")});
  } else if (auto advisory = OfVariance(plan, spec.parameters)) {
    advisories.push_back(*std::move(advisory));
  }
  return advisories;
}

std::vector<Advisory> AdvisoriesOfParts(const TensorPlan& plan) {
  std::vector<Advisory> advisories;
  for (const TensorPlan& part : plan.parts) {
    for (const Advisory& advisory : part.advisories) {
      const bool known = std::any_of(
          advisories.begin(), advisories.end(),
          [&](const Advisory& other) { return other.code == advisory.code; });
      if (known) continue;
      Advisory& added = advisories.emplace_back(advisory);
      added.message = absl::StrCat("part ", part.name, ": ", advisory.message);
    }
  }
  return advisories;
}

void DropAdvisoriesOfBareStacks(TensorPlan& plan) {
  if (plan.parts.empty()) {
    auto& all = plan.advisories;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [](const Advisory& advisory) {
                               return advisory.normalization_mends;
                             }),
              all.end());
    return;
  }
  for (TensorPlan& part : plan.parts) DropAdvisoriesOfBareStacks(part);
  plan.advisories = AdvisoriesOfParts(plan);
}

}  // namespace weightinit
