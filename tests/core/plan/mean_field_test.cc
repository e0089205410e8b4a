#include "core/plan/mean_field.h"

#include <cmath>
#include <functional>
#include <optional>

#include "gtest/gtest.h"
#include "tests/core/plan/activation_functions.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

double SlopeOf(Activation activation) {
  if (activation == Activation::kLeakyRelu) return 0.01;
  return activation == Activation::kPrelu ? 0.25 : 0;
}

TEST(MeanFieldTest, MeanSquaresAreThoseOfSimpsonsRule) {
  int tried = 0;
  for (const auto& named : AllNamed<Activation>()) {
    const std::function<double(double)> f = FunctionOf(named.value);
    if (f == nullptr) continue;
    ++tried;
    // Between the nodes of the tables, at the ends, and at the start.
    for (const double q :
         {0.01, 0.0123, 0.07, 0.35, 1.0, 1.7, 6.0, 33.0, 100.0}) {
      EXPECT_NEAR(LogMeanSquare(named.value, SlopeOf(named.value), std::log(q)),
                  std::log(SecondMoment(f, std::sqrt(q))), 1e-6)
          << named.name << " at " << q;
    }
  }
  // All but softmax.
  EXPECT_EQ(tried + 1, static_cast<int>(AllNamed<Activation>().size()));
}

// The recursion with an integral in each layer.
std::optional<int> DepthByIntegrals(Activation activation, double variance) {
  const std::function<double(double)> f = FunctionOf(activation);
  double q = 1;
  for (int layer = 1; layer <= kLayersLookedAt; ++layer) {
    q = variance * SecondMoment(f, std::sqrt(q));
    if (q < 0.01 || q > 100) return layer;
  }
  return std::nullopt;
}

TEST(MeanFieldTest, DepthsAreThoseOfARecursionOfIntegrals) {
  for (const Activation activation :
       {Activation::kSigmoid, Activation::kTanh, Activation::kRelu,
        Activation::kPrelu, Activation::kSwish, Activation::kGelu,
        Activation::kElu, Activation::kMish, Activation::kSelu}) {
    for (const double variance : {0.03, 0.3, 1.0, 1.5, 2.0, 2.5, 5.0, 150.0}) {
      const SignalInDepth signal =
          FollowSignal(activation, SlopeOf(activation), variance);
      EXPECT_EQ(signal.depth, DepthByIntegrals(activation, variance))
          << NameOf(activation) << " " << variance;
      EXPECT_NEAR(signal.first_factor,
                  variance * SecondMoment(FunctionOf(activation), 1),
                  1e-7 * variance);
    }
  }
}

TEST(MeanFieldTest, RecommendedGeluLosesMoreInEachLayer) {
  const SignalInDepth signal = FollowSignal(Activation::kGelu, 0, 2);
  EXPECT_NEAR(signal.first_factor, 0.85, 0.001);
  // 0.85 in every layer would last 29 layers.
  EXPECT_EQ(signal.depth, 12);
  EXPECT_FALSE(signal.grows);
  EXPECT_NEAR(LogMeanSquare(Activation::kGelu, 0, std::log(0.01)),
              std::log(0.01 * 0.25), 0.02);
}

TEST(MeanFieldTest, VariancePreservedStaysThoughItIsUnstable) {
  const double gain = 1 / SecondMoment(FunctionOf(Activation::kGelu), 1);
  EXPECT_EQ(FollowSignal(Activation::kGelu, 0, gain).depth, std::nullopt);
  EXPECT_EQ(FollowSignal(Activation::kGelu, 0, 0.95 * gain).depth, 19);
}

TEST(MeanFieldTest, ALimitThatIsJustReachedIsReached) {
  // 0.1 twice, and 10 twice, whatever the last bits.
  EXPECT_EQ(FollowSignal(Activation::kRelu, 0, 0.2).depth, 2);
  const SignalInDepth growing = FollowSignal(Activation::kRelu, 0, 20);
  EXPECT_EQ(growing.depth, 2);
  EXPECT_TRUE(growing.grows);
}

TEST(MeanFieldTest, NoVarianceAtAllAndTooMuchForADoubleEndAtOnce) {
  for (const double variance : {0.0, HUGE_VAL}) {
    for (const Activation activation :
         {Activation::kRelu, Activation::kGelu, Activation::kTanh}) {
      const SignalInDepth signal = FollowSignal(activation, 0, variance);
      EXPECT_EQ(signal.depth, 1);
      EXPECT_EQ(signal.first_factor, variance);
    }
  }
}

}  // namespace
}  // namespace weightinit
