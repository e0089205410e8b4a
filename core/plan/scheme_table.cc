#include "core/plan/scheme_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/random/mapped_uniform.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// ---- The words of the formulas in request.def ----

// The standard deviation at +-2 of a standard normal truncated there; Keras and
// JAX divide by it (scipy.stats.truncnorm.std(-2, 2)).
constexpr double kTruncatedStddev = 0.87962566103423978;

ResolvedScheme Drawn(const DistributionParameters& distribution) {
  ResolvedScheme scheme;
  scheme.distribution = distribution;
  return scheme;
}

ResolvedScheme Constant(double value) {
  return Drawn({Distribution::kConstant, value, 0, 0, 0});
}

ResolvedScheme Uniform(double low, double high) {
  return Drawn({Distribution::kUniform, 0, 0, low, high});
}

ResolvedScheme Normal(double mean, double stddev) {
  return Drawn({Distribution::kNormal, mean, stddev, 0, 0});
}

ResolvedScheme TruncatedNormal(double mean, double stddev, double low,
                               double high) {
  return Drawn({Distribution::kTruncatedNormal, mean, stddev, low, high});
}

// Mean 0 and variance scale / fan. A truncated normal ends at +-2 and is
// rescaled to keep the variance.
ResolvedScheme Scaled(Distribution distribution, double scale, double fan,
                      double gain) {
  const double variance = scale / fan;
  ResolvedScheme scaled;
  if (distribution == Distribution::kUniform) {
    const double bound = std::sqrt(3.0 * variance);
    scaled = Uniform(-bound, bound);
  } else if (distribution == Distribution::kNormal) {
    scaled = Normal(0, std::sqrt(variance));
  } else {
    scaled = TruncatedNormal(0, std::sqrt(variance) / kTruncatedStddev, -2, 2);
  }
  scaled.gain = gain;
  return scaled;
}
ResolvedScheme Scaled(Distribution distribution, double scale, double fan) {
  return Scaled(distribution, scale, fan, std::sqrt(scale));
}

// A matrix whose elements are no draws.
ResolvedScheme Matrix(Structure structure, double gain) {
  ResolvedScheme scheme = Drawn({Distribution::kUnspecified, 0, 0, 0, 0});
  scheme.structure = structure;
  scheme.gain = gain;
  return scheme;
}

// A function of a uniform number.
ResolvedScheme Mapped(Structure structure, double low, double high) {
  ResolvedScheme scheme = Uniform(low, high);
  scheme.structure = structure;
  return scheme;
}

ResolvedScheme Sparse(double sparsity, double stddev) {
  ResolvedScheme scheme = Normal(0, stddev);
  scheme.structure = Structure::kSparse;
  scheme.sparsity = sparsity;
  return scheme;
}

// The row with `value` in `member`.
template <typename Row, typename E>
const Row& Find(const std::vector<Row>& rows, E Row::*member, E value) {
  return *std::find_if(rows.begin(), rows.end(),
                       [&](const Row& row) { return row.*member == value; });
}

}  // namespace

const std::vector<ParameterRow>& ParameterRows() {
#define ANY \
  {}
#define ABOVE(bound) \
  { bound, false }
#define AT_LEAST(bound) \
  { bound, true }
#define FROM_TO(lowest, highest) \
  { lowest, true, highest }
#define WEIGHTINIT_PARAMETER(name, range, ...) \
  {Parameter::name, #name, &SchemeParameters::name, range},
  static const auto* const rows = new std::vector<ParameterRow>{
#include "weightinit/core/request.def"
  };
#undef ANY
#undef ABOVE
#undef AT_LEAST
#undef FROM_TO
  return *rows;
}

const TakenParameter* SchemeRow::Find(Parameter parameter) const {
  for (const TakenParameter& taken : parameters) {
    if (taken.parameter == parameter) return &taken;
  }
  return nullptr;
}

const std::vector<SchemeRow>& SchemeRows() {
#define TAKES(...) \
  { __VA_ARGS__ }
#define DEFAULT(name, value)                           \
  TakenParameter {                                     \
    Parameter::name, TakenParameter::Default::kNumber, \
        static_cast<double>(value)                     \
  }
#define REQUIRED(name) \
  TakenParameter { Parameter::name, TakenParameter::Default::kNone, 0 }
#define OF_ACTIVATION(name) \
  TakenParameter { Parameter::name, TakenParameter::Default::kActivation, 0 }
#define ANY_TENSOR \
  {}
#define RANKS(least, highest) \
  { least, highest }
#define UNGROUPED(least, highest) \
  { least, highest, false }
#define NO_FANS std::nullopt
#define ANY_SLICE CheapSlices::kAny
#define SHORTER_SIDE CheapSlices::kShorterSide
#define COLUMNS CheapSlices::kColumns
#define WEIGHTINIT_SCHEME(enumerator, number, names, wire, parameters,      \
                          tensors, fan_mode, formula, formula_text, source, \
                          slices)                                           \
  {Scheme::enumerator,                                                      \
   parameters,                                                              \
   tensors,                                                                 \
   []([[maybe_unused]] const SchemeInputs& in) -> std::optional<FanMode> {  \
     return fan_mode;                                                       \
   },                                                                       \
   []([[maybe_unused]] const SchemeInputs& in) -> ResolvedScheme {          \
     return formula;                                                        \
   },                                                                       \
   formula_text,                                                            \
   source,                                                                  \
   slices},
  static const auto* const rows = new std::vector<SchemeRow>{
#include "weightinit/core/request.def"
  };
#undef TAKES
#undef DEFAULT
#undef REQUIRED
#undef OF_ACTIVATION
#undef ANY_TENSOR
#undef RANKS
#undef UNGROUPED
#undef NO_FANS
#undef ANY_SLICE
#undef SHORTER_SIDE
#undef COLUMNS
  return *rows;
}

const SchemeRow& RowOf(Scheme scheme) {
  return Find(SchemeRows(), &SchemeRow::scheme, scheme);
}

const std::vector<ActivationRow>& ActivationRows() {
#define SATURATING ActivationRow::Response::kSaturating
#define RECTIFYING ActivationRow::Response::kRectifying
#define OTHER ActivationRow::Response::kOther
#define SLOPE(value) value
#define NO_SLOPE std::nullopt
#define GAIN(expression) \
  []([[maybe_unused]] double a) -> double { return expression; }
#define NO_GAIN nullptr
#define WEIGHTINIT_ACTIVATION(enumerator, number, names, wire, recommended, \
                              response, negative_slope, variance_gain)      \
  {Activation::enumerator, Scheme::recommended, response, negative_slope,   \
   variance_gain},
  static const auto* const rows = new std::vector<ActivationRow>{
#include "weightinit/core/request.def"
  };
#undef SATURATING
#undef RECTIFYING
#undef OTHER
#undef SLOPE
#undef NO_SLOPE
#undef GAIN
#undef NO_GAIN
  return *rows;
}

const ActivationRow& RowOf(Activation activation) {
  return Find(ActivationRows(), &ActivationRow::activation,
              activation == Activation::kUnspecified ? Activation::kLinear
                                                     : activation);
}

std::string RangeText(const ParameterRange& range) {
  if (range.highest < std::numeric_limits<double>::max()) {
    return absl::StrCat("from ", range.lowest, " to ", range.highest);
  }
  if (range.lowest == std::numeric_limits<double>::lowest()) return "any";
  return absl::StrCat(range.lowest_allowed ? "at least " : "above ",
                      range.lowest);
}

std::string RankText(const TensorsOfScheme& tensors) {
  if (tensors.highest_rank == kNoHighestRank) {
    return absl::StrCat("at least ", tensors.least_rank);
  }
  if (tensors.highest_rank == tensors.least_rank) {
    return absl::StrCat(tensors.least_rank);
  }
  return absl::StrCat("from ", tensors.least_rank, " to ",
                      tensors.highest_rank);
}

}  // namespace weightinit
