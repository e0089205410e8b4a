#include "core/model/framework_defaults.h"

#include <cmath>
#include <cstdint>

#include "core/model/draft.h"
#include "core/model/settings.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

constexpr double kKerasEmbedding = 0.05;

// Variance 1 / fan_in, cut at two standard deviations.
void SetLecunNormal(Settings& settings) {
  settings.scheme = Scheme::kVarianceScaling;
  settings.parameters = {};
  settings.parameters.scale = 1;
  settings.parameters.fan_mode = FanMode::kIn;
  settings.parameters.distribution = Distribution::kTruncatedNormal;
}

void SetNormal(double stddev, Settings& settings) {
  settings.scheme = Scheme::kNormal;
  settings.parameters = {};
  settings.parameters.stddev = stddev;
}

}  // namespace

double GlorotBound(const KernelFans& fans) {
  return std::sqrt(
      6 / (static_cast<double>(fans.in) + static_cast<double>(fans.out)));
}

void SetUniform(double bound, Settings& settings) {
  settings.scheme = Scheme::kUniform;
  settings.parameters = {};
  settings.parameters.low = -bound;
  settings.parameters.high = bound;
}

void SetKernel(Framework framework, const KernelFans& fans, Draft& weight) {
  switch (framework) {
    case Framework::kUnspecified:
      break;
    case Framework::kPytorch:
      SetUniform(1 / std::sqrt(static_cast<double>(fans.in)), weight.fallback);
      break;
    case Framework::kKeras:
      SetUniform(GlorotBound(fans), weight.fallback);
      break;
    case Framework::kFlax:
      SetLecunNormal(weight.fallback);
      break;
  }
}

void SetBias(Framework framework, int64_t fan_in, Draft& bias) {
  if (framework != Framework::kPytorch) return;
  SetUniform(1 / std::sqrt(static_cast<double>(fan_in)), bias.own);
}

void SetEmbedding(Framework framework, int64_t dimensions, Draft& weight) {
  switch (framework) {
    case Framework::kUnspecified:
    case Framework::kPytorch:
      break;  // N(0, 1), as that of a layer of ours.
    case Framework::kKeras:
      SetUniform(kKerasEmbedding, weight.fallback);
      break;
    case Framework::kFlax:
      SetNormal(1 / std::sqrt(static_cast<double>(dimensions)),
                weight.fallback);
      break;
  }
}

void SetRecurrent(Framework framework, int64_t hidden, Draft& draft) {
  if (framework != Framework::kPytorch) return;
  SetUniform(1 / std::sqrt(static_cast<double>(hidden)),
             draft.fixed ? draft.own : draft.fallback);
}

}  // namespace weightinit
