// Functions of uniform numbers against libm.

#include "core/random/mapped_uniform.h"

#include <cmath>

#include "gtest/gtest.h"

namespace weightinit {
namespace {

TEST(MappedUniformTest, NaturalLogIsThatOfLibm) {
  for (double x = 1e-300; x < 1e300; x *= 1.37) {
    EXPECT_NEAR(NaturalLog(x), std::log(x),
                1e-15 * std::fabs(std::log(x)) + 4e-16)
        << x;
  }
  EXPECT_EQ(NaturalLog(1), 0);
  EXPECT_FALSE(std::signbit(NaturalLog(1)));
  EXPECT_FALSE(std::signbit(NaturalLog(1 + 1e-16)));
}

TEST(MappedUniformTest, SoftplusTakesTheInverseBack) {
  for (double x = 1e-8; x <= 100; x *= 1.01) {
    const double value = InverseSoftplusOfExp(NaturalLog(x));
    // Of small x, 1 - exp(-x) has lost digits.
    const double error = 1e-15 + 3e-16 / x;
    EXPECT_NEAR(std::log1p(std::exp(value)), x, x * 3 * error) << x;
  }
}

}  // namespace
}  // namespace weightinit
