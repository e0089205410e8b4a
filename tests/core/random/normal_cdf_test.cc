#include "core/random/normal_cdf.h"

#include <cmath>

#include "core/random/sampler.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

TEST(ExpNonPositiveTest, AgreesWithLibm) {
  for (double x = 0; x > -700; x -= 0.37) {
    ASSERT_NEAR(ExpNonPositive(x) / std::exp(x), 1.0, 1e-15) << x;
  }
  EXPECT_EQ(ExpNonPositive(0), 1.0);
  EXPECT_EQ(ExpNonPositive(-1e300), 0.0);
}

TEST(NormalTailTest, AgreesWithTheComplementaryErrorFunction) {
  for (double x = 0; x < 37; x += 0.01) {
    const double expected = 0.5 * std::erfc(x * std::sqrt(0.5));
    ASSERT_NEAR(NormalTail(x) / expected, 1.0, 1e-12) << x;
  }
  EXPECT_EQ(NormalTail(0), 0.5);
  EXPECT_EQ(NormalTail(1e30), 0.0);
}

TEST(NormalMassTest, KeepsRelativeAccuracyInTheTail) {
  EXPECT_NEAR(NormalMass(-2, 2), 0.95449973610364158, 1e-15);
  EXPECT_NEAR(NormalMass(8, 9) / 6.219831985865787e-16, 1.0, 1e-9);
  EXPECT_EQ(NormalMass(8, 9), NormalMass(-9, -8));
}

}  // namespace
}  // namespace weightinit
