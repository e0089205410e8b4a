#include "core/plan/theory.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

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
