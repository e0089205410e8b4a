// From scheme, activation and fans to a distribution.

#ifndef WEIGHTINIT_CORE_SCHEME_H_
#define WEIGHTINIT_CORE_SCHEME_H_

#include <cstddef>
#include <optional>

#include "core/fans.h"
#include "core/violation_list.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

namespace weightinit {

// The standard deviation at +-2 of a standard normal truncated there; Keras and
// JAX divide by it (scipy.stats.truncnorm.std(-2, 2)).
inline constexpr double kTruncatedStddev = 0.87962566103423978;

// How a scheme is used with an activation: LeCun et al. 1998 and Glorot &
// Bengio 2010 for saturating units, He et al. 2015 for rectified ones,
// Klambauer et al. 2017 for SELU.
Scheme RecommendedScheme(Activation activation);

// The scheme in force: the one asked for, or ZEROS for rank 0 and 1 (a bias),
// or the recommended one.
Scheme ChooseScheme(Scheme scheme, Activation activation, size_t rank);

// The slope `a` for negative input that the He schemes reckon with.
double NegativeSlope(Activation activation, const SchemeParameters& parameters);

// Whether the fans are part of the scheme's formula.
bool UsesFans(Scheme scheme);

// Adds a violation for each parameter that is out of range, missing, or not
// taken by the scheme. REQUIRES: the enums are named values.
void CheckParameters(Scheme scheme, Activation activation,
                     const SchemeParameters& parameters,
                     ViolationList& violations);

struct ResolvedScheme {
  DistributionParameters distribution;
  std::optional<double> gain;
};

// The distribution of a scheme. Adds a violation for each fan that it needs and
// that is absent. REQUIRES: CheckParameters added none.
ResolvedScheme ResolveScheme(Scheme scheme, Activation activation,
                             const SchemeParameters& parameters,
                             const Fans& fans, ViolationList& violations);

// Adds a violation if the distribution can deliver a value that is not finite
// in the dtype, or has no value of the dtype (or almost no probability) in its
// interval. REQUIRES: `dtype` is a named value.
void CheckDistribution(const DistributionParameters& distribution, Dtype dtype,
                       ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_SCHEME_H_
