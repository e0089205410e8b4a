// The gains of variance_preserving_*, by quadrature.

#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"

namespace weightinit {
namespace {

double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// What each activation is; nothing for one that is no function of one number.
std::function<double(double)> FunctionOf(Activation activation) {
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

// E[f(z)^2] for z standard normal; by Simpson's rule from 0 to each side, since
// some activations have a corner at 0.
double SecondMoment(const std::function<double(double)>& f) {
  constexpr int kSteps = 20000;
  constexpr double kReach = 14;
  double sum = 0;
  for (const double side : {-1.0, 1.0}) {
    for (int i = 0; i <= kSteps; ++i) {
      const double z = side * kReach * i / kSteps;
      double weight = i % 2 == 1 ? 4 : 2;
      if (i == 0 || i == kSteps) weight = 1;
      sum += weight * f(z) * f(z) * std::exp(-0.5 * z * z);
    }
  }
  return sum * kReach / kSteps / 3 / std::sqrt(2 * std::acos(-1.0));
}

TEST(VarianceGainTest, IsTheInverseOfTheSecondMomentOfEachActivation) {
  int tried = 0;
  for (const auto& named : AllNamed<Activation>()) {
    const auto f = FunctionOf(named.value);
    if (f == nullptr) continue;
    ++tried;
    for (const Scheme scheme : {Scheme::kVariancePreservingUniform,
                                Scheme::kVariancePreservingNormal}) {
      TensorRequest request;
      request.tensor.shape = {200, 300};
      request.tensor.activation = named.value;
      request.tensor.scheme = scheme;
      const auto plan = Resolve(request);
      ASSERT_TRUE(plan.ok()) << plan.status();
      EXPECT_NEAR(*plan->gain * *plan->gain * SecondMoment(f), 1, 1e-12)
          << named.name;
      EXPECT_NEAR(plan->stddev, *plan->gain / std::sqrt(300.0), 1e-12);
    }
  }
  // All but softmax.
  EXPECT_EQ(tried + 1, static_cast<int>(AllNamed<Activation>().size()));
}

}  // namespace
}  // namespace weightinit
