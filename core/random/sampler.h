// A distribution made ready to sample: its parameters rounded to the type of
// the draw, everything that does not depend on the random word computed once.

#ifndef WEIGHTINIT_CORE_RANDOM_SAMPLER_H_
#define WEIGHTINIT_CORE_RANDOM_SAMPLER_H_

#include <cmath>

#include "core/random/transforms.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// F is float or double. core/DETERMINISM.md, "Distributions", names each field.
template <typename F>
struct Sampler {
  enum class Kind {
    kConstant,
    kUniform,
    kNormal,
    // Truncated normal whose interval has 0 inside: the draw is mapped to the
    // distribution function less 1/2.
    kTruncatedAboutMean,
    // Truncated normal whose interval lies above or below the mean: the draw is
    // mapped to the tail probability, which keeps its relative accuracy.
    kTruncatedTail,
  };

  Kind kind = Kind::kConstant;
  F mean = 0;    // kConstant: the value.
  F stddev = 0;  // kNormal, kTruncated*.
  // The centred draw u becomes center + half * u: the value itself for
  // kUniform, a probability for kTruncated*.
  F center = 0;
  F half = 0;
  bool negate = false;  // kTruncatedTail: the interval lies below the mean.
  // The value is clamped to [low, high]: kUniform, kTruncated*.
  F low = 0;
  F high = 0;
  // kUniform: which part of the clamp changes a draw at all. Where not both do,
  // `half` may be scaled down by 2^-64 exactly.
  enum class Clamping { kBoth, kHigh, kNone };
  Clamping clamping = Clamping::kBoth;
};

// Makes the sampler of a distribution. REQUIRES: F can hold its values, as
// CheckDistribution (core/plan/distribution_check.h) finds out. Defined for
// float and double.
template <typename F>
Sampler<F> MakeSampler(const DistributionParameters& parameters);

// The probability that a standard normal lies in [low, high], low < high.
double NormalMass(double low, double high);

// The smallest F that is at least x; the largest F that is at most x, and below
// x. Saturate at the finite range.
template <typename F>
F SmallestAtLeast(double x);
template <typename F>
F LargestAtMost(double x);
template <typename F>
F LargestBelow(double x);

// ---- One draw ----

template <typename F>
inline F Clamp(F value, F low, F high) {
  const F below = value < high ? value : high;
  return below > low ? below : low;
}

template <typename F>
inline F DrawUniform(const Sampler<F>& s, typename DrawWord<F>::type word) {
  return Clamp(s.center + s.half * CenteredUnit(word), s.low, s.high);
}

template <typename F>
inline Pair<F> DrawNormals(const Sampler<F>& s,
                           typename DrawWord<F>::type radius,
                           typename DrawWord<F>::type angle) {
  const Pair<F> z = StandardNormals(radius, angle);
  return {s.mean + s.stddev * z.first, s.mean + s.stddev * z.second};
}

template <typename F>
inline constexpr F kHalf = static_cast<F>(0.5);

// The smallest tail probability of a draw about the mean: half the spacing of F
// below 1/2. It stands in where rounding reaches the end of the distribution.
template <typename F>
inline constexpr F kSmallestTail = static_cast<F>(sizeof(F) == 4 ? 0x1p-26
                                                                 : 0x1p-55);

template <typename F>
inline F DrawTruncatedAboutMean(const Sampler<F>& s,
                                typename DrawWord<F>::type word) {
  const F y = s.center + s.half * CenteredUnit(word);
  const F center = y < 0 ? -y : y;
  const F rest = kHalf<F> - center;
  const F tail = rest > kSmallestTail<F> ? rest : kSmallestTail<F>;
  const F magnitude = NormalQuantile(center, tail);
  const F z = y < 0 ? -magnitude : magnitude;
  return Clamp(s.mean + s.stddev * z, s.low, s.high);
}

template <typename F>
inline F DrawTruncatedTail(const Sampler<F>& s,
                           typename DrawWord<F>::type word) {
  const F tail = s.center + s.half * CenteredUnit(word);
  const F rest = kHalf<F> - tail;
  const F center = rest > 0 ? rest : 0;
  const F magnitude = NormalQuantile(center, tail);
  const F z = s.negate ? -magnitude : magnitude;
  return Clamp(s.mean + s.stddev * z, s.low, s.high);
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_SAMPLER_H_
