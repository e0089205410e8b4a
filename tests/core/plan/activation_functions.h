// The activations as functions, and their moments by quadrature.

#ifndef WEIGHTINIT_TESTS_CORE_PLAN_ACTIVATION_FUNCTIONS_H_
#define WEIGHTINIT_TESTS_CORE_PLAN_ACTIVATION_FUNCTIONS_H_

#include <cmath>
#include <functional>

#include "weightinit/core/request.h"

namespace weightinit {

inline double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// What each activation is; nothing for one that is no function of one number.
inline std::function<double(double)> FunctionOf(Activation activation) {
  switch (activation) {
    case Activation::kUnspecified:
    case Activation::kLinear:
      return [](double z) { return z; };
    case Activation::kSigmoid:
      return Sigmoid;
    case Activation::kTanh:
      return [](double z) { return std::tanh(z); };
    case Activation::kRelu:
      return [](double z) { return z > 0 ? z : 0; };
    case Activation::kLeakyRelu:
      return [](double z) { return z > 0 ? z : 0.01 * z; };
    case Activation::kPrelu:
      return [](double z) { return z > 0 ? z : 0.25 * z; };
    case Activation::kSwish:
      return [](double z) { return z * Sigmoid(z); };
    case Activation::kGelu:
      return [](double z) { return z * 0.5 * std::erfc(-z / std::sqrt(2.0)); };
    case Activation::kElu:
      return [](double z) { return z > 0 ? z : std::expm1(z); };
    case Activation::kMish:
      return [](double z) { return z * std::tanh(std::log1p(std::exp(z))); };
    case Activation::kSelu:
      // Klambauer et al. 2017.
      return [](double z) {
        return 1.0507009873554805 *
               (z > 0 ? z : 1.6732632423543772 * std::expm1(z));
      };
    case Activation::kSoftmax:
      break;
  }
  return nullptr;
}

// E[f(root z)^2] for z standard normal; by Simpson's rule from 0 to each side,
// since some activations have a corner at 0.
inline double SecondMoment(const std::function<double(double)>& f,
                           double root) {
  constexpr int kSteps = 20000;
  constexpr double kReach = 14;
  double sum = 0;
  for (const double side : {-1.0, 1.0}) {
    for (int i = 0; i <= kSteps; ++i) {
      const double z = side * kReach * i / kSteps;
      double weight = i % 2 == 1 ? 4 : 2;
      if (i == 0 || i == kSteps) weight = 1;
      const double value = f(root * z);
      sum += weight * value * value * std::exp(-0.5 * z * z);
    }
  }
  return sum * kReach / kSteps / 3 / std::sqrt(2 * std::acos(-1.0));
}

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_CORE_PLAN_ACTIVATION_FUNCTIONS_H_
