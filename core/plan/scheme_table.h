// The rows of weightinit/core/request.def about schemes, their parameters and
// activations, as data.

#ifndef WEIGHTINIT_CORE_PLAN_SCHEME_TABLE_H_
#define WEIGHTINIT_CORE_PLAN_SCHEME_TABLE_H_

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// A parameter of some scheme; the names are those of SchemeParameters.
enum class Parameter {
#define WEIGHTINIT_PARAMETER(name, ...) name,
#define WEIGHTINIT_CHOICE_PARAMETER(name, ...) name,
#include "weightinit/core/request.def"
};

// A number above `lowest`, or also equal to it, and at most `highest`.
struct ParameterRange {
  double lowest = std::numeric_limits<double>::lowest();
  bool lowest_allowed = true;
  double highest = std::numeric_limits<double>::max();
};

// "above 0"; "any".
std::string RangeText(const ParameterRange& range);

// A parameter that is a number.
struct ParameterRow {
  Parameter parameter;
  const char* name;
  std::optional<double> SchemeParameters::*member;
  ParameterRange range;
};
const std::vector<ParameterRow>& ParameterRows();

// Whether a value of an enum may be chosen as a parameter.
template <typename E>
bool IsOffered(E /*value*/) {
  return true;
}
inline bool IsOffered(Distribution distribution) {
  return distribution != Distribution::kConstant;
}

// The names of those values.
template <typename E>
std::vector<std::string> OfferedNames() {
  std::vector<std::string> names;
  for (const Named<E>& named : AllNamed<E>()) {
    if (IsOffered(named.value)) names.emplace_back(named.name);
  }
  return names;
}

// That a scheme takes a parameter, and what it is unless given.
struct TakenParameter {
  enum class Default { kNumber, kActivation, kNone };

  Parameter parameter;
  Default kind = Default::kNone;
  double number = 0;  // kNumber; of an enum's value, its number.
};

// What a formula reckons with: parameters given or by default, and the fan.
struct SchemeInputs {
#define WEIGHTINIT_PARAMETER(name, ...) double name = 0;
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  type name = type::kUnspecified;
#include "weightinit/core/request.def"
  double fan = 0;
  double variance_gain = 0;  // Of the activation; 0 if it has none.
};

struct ResolvedScheme {
  DistributionParameters distribution;
  std::optional<double> gain;
  Structure structure = Structure::kElementwise;
  double sparsity = 0;  // kSparse.
};

// The slices that cost no more than their share of a tensor.
enum class CheapSlices { kAny, kShorterSide, kColumns };

// The tensors that a scheme is for.
inline constexpr size_t kNoHighestRank = std::numeric_limits<size_t>::max();
struct TensorsOfScheme {
  size_t least_rank = 0;
  size_t highest_rank = kNoHighestRank;
  bool grouped = true;  // Whether their groups may be more than one.
};

// "from 3 to 5".
std::string RankText(const TensorsOfScheme& tensors);

struct SchemeRow {
  Scheme scheme;
  std::vector<TakenParameter> parameters;
  TensorsOfScheme tensors;
  // The fan that the formula divides by; nothing if it uses none. `fan` of its
  // argument is not set yet.
  std::optional<FanMode> (*fan_mode)(const SchemeInputs& in);
  ResolvedScheme (*distribution)(const SchemeInputs& in);
  const char* formula;
  const char* source;
  CheapSlices cheap_slices;

  const TakenParameter* Find(Parameter parameter) const;
};
const std::vector<SchemeRow>& SchemeRows();
// REQUIRES: `scheme` is a named value.
const SchemeRow& RowOf(Scheme scheme);

struct ActivationRow {
  enum class Response { kSaturating, kRectifying, kOther };

  Activation activation;
  Scheme recommended;
  Response response;
  // The default where the slope is a parameter.
  std::optional<double> negative_slope;
  // 1 / E[f(z)^2], z standard normal. Null: the activation is no function of
  // one number.
  double (*variance_gain)(double negative_slope);
};
const std::vector<ActivationRow>& ActivationRows();
// That of kLinear for kUnspecified. REQUIRES: `activation` is no unknown value.
const ActivationRow& RowOf(Activation activation);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_SCHEME_TABLE_H_
