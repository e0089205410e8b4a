#include "core/plan/theory.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "core/random/mapped_uniform.h"
#include "core/random/normal_cdf.h"
#include "core/random/sampler.h"
#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/orthogonal_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

constexpr double kInverseSqrt12 = 0x1.279a74590331dp-2;  // 1 / sqrt(12).

// The truncated standard normal: Johnson, Kotz & Balakrishnan, Continuous
// Univariate Distributions, volume 1, section 13.10.1.
Theory TruncatedStandard(double low, double high) {
  const double width = high - low;
  const double scale = std::max({1.0, std::fabs(low), std::fabs(high)});
  if (width * scale < 1e-3) {
    // The density is nearly even, and the formulas below would cancel.
    return {low + 0.5 * width, width * kInverseSqrt12, low, high};
  }
  const double mass = NormalMass(low, high);
  const double pdf_low = NormalPdf(low);
  const double pdf_high = NormalPdf(high);
  const double mean = (pdf_low - pdf_high) / mass;
  const double variance =
      1.0 + (low * pdf_low - high * pdf_high) / mass - mean * mean;
  return {mean, std::sqrt(std::max(variance, 0.0)), low, high};
}

}  // namespace

Theory TheoryOfDiagonal(const KernelShape& kernel, int64_t groups,
                        double value) {
  const int64_t ones =
      kernel.places == 0
          ? 0
          : groups * std::min(kernel.first / groups, kernel.second);
  const double elements = static_cast<double>(kernel.first) *
                          static_cast<double>(kernel.second) *
                          static_cast<double>(kernel.places);
  if (elements == 0) return {0, 0, 0, 0};
  const double share = static_cast<double>(ones) / elements;
  return {value * share, value * std::sqrt(share * (1.0 - share)),
          share < 1.0 ? 0 : value, value};
}

Theory TheoryOfOrthogonal(const OrthogonalShape& matrix, double gain) {
  // Each vector of the shorter dimension has the length gain.
  const double size = static_cast<double>(matrix.longer()) *
                      static_cast<double>(matrix.kernel.places);
  return {0, gain / std::sqrt(size), -gain, gain};
}

Theory TheoryOfSparse(const DistributionParameters& distribution, int64_t zeros,
                      int64_t rows) {
  const double share = static_cast<double>(zeros) / static_cast<double>(rows);
  return {0, distribution.stddev * std::sqrt(1.0 - share), std::nullopt,
          std::nullopt};
}

Theory TheoryOfLog(const DistributionParameters& d) {
  const double low = NaturalLog(d.low);
  const double high = NaturalLog(d.high);
  if (d.high < 1.01 * d.low) {
    // Nearly straight, and the formulas below would cancel.
    const double middle = d.low * 0.5 + d.high * 0.5;
    return {NaturalLog(middle), (d.high - d.low) * kInverseSqrt12 / middle, low,
            high};
  }
  // The integrals of ln u and of its square.
  const double width = d.high - d.low;
  const double mean = (d.high * high - d.low * low) / width - 1;
  const double square = (d.high * (high * high - 2 * high + 2) -
                         d.low * (low * low - 2 * low + 2)) /
                        width;
  return {mean, std::sqrt(std::max(square - mean * mean, 0.0)), low, high};
}

Theory TheoryOfInverseSoftplus(const DistributionParameters& d) {
  // Simpson's rule.
  constexpr int kIntervals = 256;
  const double step = (d.high - d.low) / kIntervals;
  double mean = 0;
  double square = 0;
  for (int i = 0; i <= kIntervals; ++i) {
    const double inner = i % 2 == 1 ? 4 : 2;
    const double weight = i == 0 || i == kIntervals ? 1 : inner;
    const double value = InverseSoftplusOfExp(d.low + step * i);
    mean += weight * value / (3 * kIntervals);
    square += weight * value * value / (3 * kIntervals);
  }
  return {mean, std::sqrt(std::max(square - mean * mean, 0.0)),
          InverseSoftplusOfExp(d.low), InverseSoftplusOfExp(d.high)};
}

Theory TheoryOf(const DistributionParameters& d) {
  switch (d.distribution) {
    case Distribution::kUniform:
      return {d.low * 0.5 + d.high * 0.5, (d.high - d.low) * kInverseSqrt12,
              d.low, d.high};
    case Distribution::kNormal:
      return {d.mean, d.stddev, std::nullopt, std::nullopt};
    case Distribution::kTruncatedNormal: {
      const Theory standard = TruncatedStandard(d.low, d.high);
      return {d.mean + d.stddev * standard.mean, d.stddev * standard.stddev,
              d.mean + d.stddev * d.low, d.mean + d.stddev * d.high};
    }
    case Distribution::kConstant:
    case Distribution::kUnspecified:
      break;
  }
  return {d.mean, 0, d.mean, d.mean};
}

}  // namespace weightinit
