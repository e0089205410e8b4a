#include "core/plan/advisories.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/plan/fans.h"
#include "core/plan/scheme.h"
#include "core/plan/scheme_table.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// How far from the recommended standard deviation is remarkable.
constexpr double kTooFar = 10.0;

}  // namespace

std::vector<Advisory> AdvisoriesOf(const TensorPlan& plan) {
  std::vector<Advisory> advisories;
  const std::string scheme(NameOf(plan.scheme));
  const std::string activation(NameOf(plan.activation));
  const ActivationRow& row = RowOf(plan.activation);
  const Scheme recommended = row.recommended;
  const std::string recommended_name(NameOf(recommended));

  const bool xavier = plan.scheme == Scheme::kXavierUniform ||
                      plan.scheme == Scheme::kXavierNormal;
  const bool he =
      plan.scheme == Scheme::kHeUniform || plan.scheme == Scheme::kHeNormal;
  if (xavier && row.response == ActivationRow::Response::kRectifying) {
    advisories.push_back(
        {AdvisoryCode::kXavierWithRelu,
         absl::StrCat(scheme, " before ", activation,
                      ": half of the units are zero, so the variance halves in "
                      "each layer; ",
                      recommended_name, " is recommended")});
  }
  if (he && row.response == ActivationRow::Response::kSaturating) {
    advisories.push_back(
        {AdvisoryCode::kHeWithSaturating,
         absl::StrCat(scheme, " before ", activation,
                      ": its variance is meant for rectified units and drives "
                      "this one towards saturation; ",
                      recommended_name, " is recommended")});
  }
  if (plan.shape.size() < 2) return advisories;

  if (plan.stddev == 0) {
    advisories.push_back(
        {AdvisoryCode::kSymmetryNotBroken,
         absl::StrCat("all values of this rank-", plan.shape.size(),
                      " tensor are equal, so all units of the layer stay equal "
                      "in training; ",
                      recommended_name, " is recommended")});
    return advisories;
  }
  ViolationList none;
  const ResolvedScheme ideal =
      ResolveScheme(recommended, plan.activation, SchemeParameters(),
                    Fans{plan.fan_in, plan.fan_out}, none);
  const double ratio = plan.stddev / ideal.distribution.stddev;
  const auto compare = [&](AdvisoryCode code, const char* effect) {
    advisories.push_back(
        {code, absl::StrCat("stddev ", plan.stddev, " is ", ratio,
                            " times the ", ideal.distribution.stddev, " of ",
                            recommended_name, ", recommended for ", activation,
                            ": signals may ", effect)});
  };
  if (ratio > kTooFar) compare(AdvisoryCode::kStddevTooHigh, "explode");
  if (ratio < 1.0 / kTooFar) compare(AdvisoryCode::kStddevTooLow, "vanish");
  return advisories;
}

}  // namespace weightinit
