#include "core/random/sampler.h"

#include <cmath>
#include <limits>

#include "core/random/normal_cdf.h"
#include "core/random/transforms.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// x rounded to nearest even, saturated at the finite range.
template <typename F>
F Nearest(double x) {
  constexpr auto kMax = static_cast<double>(std::numeric_limits<F>::max());
  return static_cast<F>(Clamp(x, -kMax, kMax));
}

// The truncated normal on [low, high] standard deviations.
template <typename F>
void SetTruncation(double low, double high, Sampler<F>& sampler) {
  double from = 0;
  double to = 0;
  if (low < 0 && high > 0) {
    sampler.kind = Sampler<F>::Kind::kTruncatedAboutMean;
    from = NormalTail(-low) - 0.5;
    to = 0.5 - NormalTail(high);
  } else {
    sampler.kind = Sampler<F>::Kind::kTruncatedTail;
    sampler.negate = high <= 0;
    // From the far end of the tail to the near one.
    from = NormalTail(sampler.negate ? -low : high);
    to = NormalTail(sampler.negate ? -high : low);
  }
  sampler.center = static_cast<F>(from * 0.5 + to * 0.5);
  sampler.half = static_cast<F>(to * 0.5 - from * 0.5);
}

// Sampler::clamping. Draws grow with the word, so that the extremes tell. A
// clamp may change the sign of a zero that equals its bound.
template <typename F>
typename Sampler<F>::Clamping ClampingOf(const Sampler<F>& s) {
  using Clamping = typename Sampler<F>::Clamping;
  const F most =
      CenteredUnit(std::numeric_limits<typename DrawWord<F>::type>::max());
  const F least_draw = s.center - s.half * most;
  const F greatest_draw = s.center + s.half * most;
  if (s.half < std::numeric_limits<F>::min() * static_cast<F>(0x1p64) ||
      least_draw < s.low || (least_draw == s.low && s.low == 0)) {
    return Clamping::kBoth;
  }
  return greatest_draw > s.high || (greatest_draw == s.high && s.high == 0)
             ? Clamping::kHigh
             : Clamping::kNone;
}

}  // namespace

template <typename F>
F SmallestAtLeast(double x) {
  const F nearest = Nearest<F>(x);
  return static_cast<double>(nearest) < x
             ? std::nextafter(nearest, std::numeric_limits<F>::max())
             : nearest;
}

template <typename F>
F LargestAtMost(double x) {
  return -SmallestAtLeast<F>(-x);
}

template <typename F>
F LargestBelow(double x) {
  const F at_most = LargestAtMost<F>(x);
  return static_cast<double>(at_most) < x
             ? at_most
             : std::nextafter(at_most, std::numeric_limits<F>::lowest());
}

double NormalMass(double low, double high) {
  if (low < 0 && high > 0) {
    return (0.5 - NormalTail(-low)) + (0.5 - NormalTail(high));
  }
  return high <= 0 ? NormalTail(-high) - NormalTail(-low)
                   : NormalTail(low) - NormalTail(high);
}

template <typename F>
Sampler<F> MakeSampler(const DistributionParameters& parameters) {
  using Kind = typename Sampler<F>::Kind;
  Sampler<F> sampler;
  sampler.mean = Nearest<F>(parameters.mean);
  sampler.stddev = Nearest<F>(parameters.stddev);
  switch (parameters.distribution) {
    case Distribution::kUniform:
      sampler.kind = Kind::kUniform;
      sampler.center = Nearest<F>(parameters.low * 0.5 + parameters.high * 0.5);
      sampler.half = Nearest<F>(parameters.high * 0.5 - parameters.low * 0.5);
      sampler.low = SmallestAtLeast<F>(parameters.low);
      sampler.high = LargestBelow<F>(parameters.high);
      sampler.clamping = ClampingOf(sampler);
      break;
    case Distribution::kNormal:
      sampler.kind = Kind::kNormal;
      break;
    case Distribution::kTruncatedNormal:
      // A normal without spread is its mean, whatever the truncation.
      if (parameters.stddev == 0) break;
      SetTruncation(parameters.low, parameters.high, sampler);
      sampler.low = SmallestAtLeast<F>(parameters.mean +
                                       parameters.stddev * parameters.low);
      sampler.high = LargestAtMost<F>(parameters.mean +
                                      parameters.stddev * parameters.high);
      break;
    case Distribution::kConstant:
    case Distribution::kUnspecified:
      break;
  }
  return sampler;
}

template Sampler<float> MakeSampler(const DistributionParameters&);
template Sampler<double> MakeSampler(const DistributionParameters&);
template float SmallestAtLeast(double);
template double SmallestAtLeast(double);
template float LargestAtMost(double);
template double LargestAtMost(double);
template float LargestBelow(double);
template double LargestBelow(double);

}  // namespace weightinit
