#include "core/plan/mean_field.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/plan/scheme_table.h"
#include "core/random/normal_cdf.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

using Function = double (*)(double z);

double Sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }
double Tanh(double z) { return std::tanh(z); }
double Swish(double z) { return z * Sigmoid(z); }
double Elu(double z) { return z > 0 ? z : std::expm1(z); }
double Mish(double z) { return z * std::tanh(std::log1p(std::exp(z))); }
// Klambauer et al. 2017.
double Selu(double z) {
  return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * std::expm1(z));
}

// The trapezoidal rule for an integral over the standard normal. It is as good
// as exact: f^2 has no poles near the real line, and the corners of f lie on a
// node.
constexpr double kStep = 1.0 / 32;
constexpr int kReach = 8 * 32;

// The points of the sum, evenly spaced around 0.
double PointOf(size_t i) { return kStep * (static_cast<double>(i) - kReach); }

using Weights = std::array<double, 2 * kReach + 1>;
const Weights& NormalWeights() {
  static const Weights* const weights = [] {
    auto* const of = new Weights;
    for (size_t i = 0; i < of->size(); ++i) {
      (*of)[i] = kStep * NormalPdf(PointOf(i));
    }
    return of;
  }();
  return *weights;
}

// E[f(sqrt(q) z)^2].
template <Function f>
double MeanSquare(double q) {
  const Weights& weights = NormalWeights();
  const double root = std::sqrt(q);
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double value = f(root * PointOf(i));
    sum += weights[i] * value * value;
  }
  return sum;
}

// The same for GELU (Tsuchida et al. 2021, "Avoiding Kernel Fixed Points", with
// equal inputs).
double MeanSquareOfGelu(double q) {
  constexpr double kInverseTwoPi = 0x1.45f306dc9c883p-3;
  const double angle = std::asin(q / (1 + q));
  const double rest = 2 * q / ((1 + q) * std::sqrt(1 + 2 * q));
  return q * (0.25 + kInverseTwoPi * (angle + rest));
}

// LogMeanSquare of one activation. An integral for each layer of each tensor of
// a model would take longer than all else in its description.
class Table {
 public:
  explicit Table(double (*mean_square)(double q)) {
    for (size_t k = 0; k < logs_.size(); ++k) {
      const double log_q = kSpacing * (static_cast<double>(k) - kNodes);
      logs_[k] = std::log(mean_square(std::exp(log_q)));
    }
  }

  // By the cubic through the four nodes around, to 1e-6.
  double At(double log_q) const {
    const double place = log_q / kSpacing + kNodes;
    const double floor = std::clamp(std::floor(place), 1.0, 2.0 * kNodes - 2);
    const double t = place - floor;
    const double* const node = &logs_[static_cast<size_t>(floor)];
    return (t + 1) * (1 - t) * (2 - t) / 2 * node[0] +
           t * (t + 1) * (2 - t) / 2 * node[1] -
           t * (1 - t) * (2 - t) / 6 * node[-1] -
           t * (t + 1) * (1 - t) / 6 * node[2];
  }

 private:
  // Of the logarithm of q, from -4.8 to 4.8.
  static constexpr double kSpacing = 0.1;
  static constexpr int kNodes = 48;

  std::array<double, 2 * kNodes + 1> logs_;
};

template <double (*mean_square)(double q)>
double Tabulated(double log_q) {
  static const Table& table = *new Table(mean_square);
  return table.At(log_q);
}

// Whether a layer leaves a signal as it is, though the point may be an unstable
// one.
bool AtRest(double change_of_log_q) {
  return std::fabs(change_of_log_q) < 1e-9;
}

}  // namespace

double LogMeanSquare(Activation activation, double negative_slope,
                     double log_q) {
  switch (activation) {
    case Activation::kSigmoid:
      return Tabulated<MeanSquare<Sigmoid>>(log_q);
    case Activation::kTanh:
      return Tabulated<MeanSquare<Tanh>>(log_q);
    case Activation::kSwish:
      return Tabulated<MeanSquare<Swish>>(log_q);
    case Activation::kGelu:
      return Tabulated<MeanSquareOfGelu>(log_q);
    case Activation::kElu:
      return Tabulated<MeanSquare<Elu>>(log_q);
    case Activation::kMish:
      return Tabulated<MeanSquare<Mish>>(log_q);
    case Activation::kSelu:
      return Tabulated<MeanSquare<Selu>>(log_q);
    case Activation::kUnspecified:
    case Activation::kLinear:
    case Activation::kSoftmax:
    case Activation::kRelu:
    case Activation::kLeakyRelu:
    case Activation::kPrelu:
      break;
  }
  // Straight on both sides of 0, so that q is a factor.
  return log_q - std::log(RowOf(activation).variance_gain(negative_slope));
}

SignalInDepth FollowSignal(Activation activation, double negative_slope,
                           double variance) {
  // A signal that just reaches the limit has done so on every machine, whatever
  // the last bits.
  static const double limit = 2 * std::log(kTolerableFactor) - 1e-6;
  const double log_variance = std::log(variance);
  SignalInDepth signal;
  double log_q = 0;
  double before = 1;
  for (int layer = 1; layer <= kLayersLookedAt && !AtRest(log_q - before);
       ++layer) {
    before = log_q;
    log_q = log_variance + LogMeanSquare(activation, negative_slope, log_q);
    if (layer == 1) signal.first_factor = std::exp(log_q);
    if (std::fabs(log_q) >= limit) {
      signal.depth = layer;
      signal.grows = log_q > 0;
      break;
    }
  }
  return signal;
}

}  // namespace weightinit
