// Accuracy and ranges of the transforms, over words spread evenly through all
// 2^32 (and their ends). That the bits are those of DETERMINISM.md is what
// python/test_reference.py tests.

#include "core/random/transforms.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace weightinit {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Every 4099th word, and those next to 0, 2^31 and 2^32.
std::vector<uint32_t> Words() {
  std::vector<uint32_t> words;
  for (uint64_t w = 0; w < (uint64_t{1} << 32); w += 4099) {
    words.push_back(static_cast<uint32_t>(w));
  }
  for (uint32_t d = 0; d < 300; ++d) {
    words.insert(words.end(),
                 {d, 0x7FFFFFFFu - d, 0x80000000u + d, 0xFFFFFFFFu - d});
  }
  return words;
}

// The 64-bit words with those upper halves.
uint64_t Widen(uint32_t word) {
  return uint64_t{word} << 32 | uint32_t{word * 2654435761u};
}

TEST(CenteredUnitTest, IsOpenAndOddForFloat) {
  for (const uint32_t word : Words()) {
    const float u = CenteredUnit(word);
    ASSERT_GT(u, -1.0f);
    ASSERT_LT(u, 1.0f);
    ASSERT_EQ(std::fmod(u * 0x1p24f, 2.0f) == 0.0f, false) << word;
    ASSERT_EQ(u, -CenteredUnit(~word));
  }
  EXPECT_EQ(CenteredUnit(0u), -1.0f + 0x1p-24f);
  EXPECT_EQ(CenteredUnit(~0u), 1.0f - 0x1p-24f);
}

TEST(CenteredUnitTest, IsOpenAndOddForDouble) {
  for (const uint32_t word : Words()) {
    const uint64_t wide = Widen(word);
    ASSERT_LT(std::fabs(CenteredUnit(wide)), 1.0);
    ASSERT_EQ(CenteredUnit(wide), -CenteredUnit(~wide));
  }
  EXPECT_EQ(CenteredUnit(uint64_t{0}), -1.0 + 0x1p-53);
  EXPECT_EQ(CenteredUnit(~uint64_t{0}), 1.0 - 0x1p-53);
}

TEST(PositiveUnitTest, KeepsEveryBitOfASmallWord) {
  for (uint32_t word = 0; word < 100000; ++word) {
    ASSERT_EQ(PositiveUnit(word), (word + 0.5) * 0x1p-32);
  }
  EXPECT_EQ(PositiveUnit(~0u), 1.0f);
  EXPECT_EQ(PositiveUnit(uint64_t{0}), 0x1p-54);
  EXPECT_EQ(PositiveUnit(~uint64_t{0}), 1.0);
}

TEST(Neg2LogTest, IsAccurateForFloat) {
  double worst = 0;
  for (const uint32_t word : Words()) {
    const float u = PositiveUnit(word);
    if (u == 1.0f) continue;
    const double exact = -2.0 * std::log(static_cast<double>(u));
    worst = std::fmax(worst, std::fabs(Neg2Log(u) / exact - 1.0));
  }
  EXPECT_LT(worst, 3e-7);
  EXPECT_EQ(Neg2Log(1.0f), 0.0f);
}

TEST(Neg2LogTest, IsAccurateForDouble) {
  double worst = 0;
  for (const uint32_t word : Words()) {
    const double u = PositiveUnit(Widen(word));
    if (u == 1.0) continue;
    worst =
        std::fmax(worst, std::fabs(Neg2Log(u) / (-2.0 * std::log(u)) - 1.0));
  }
  EXPECT_LT(worst, 1e-15);
  EXPECT_EQ(Neg2Log(1.0), 0.0);
}

// No word may give the root of a negative number.
TEST(Neg2LogTest, IsNeverNegative) {
  for (uint64_t w = 0xFF000000u; w <= 0xFFFFFFFFu; ++w) {
    ASSERT_GE(Neg2Log(PositiveUnit(static_cast<uint32_t>(w))), 0.0f) << w;
  }
  for (uint64_t below = 0; below < 1000000; ++below) {
    ASSERT_GE(Neg2Log(PositiveUnit(~uint64_t{0} - (below << 11))), 0.0)
        << below;
  }
}

TEST(StandardNormalsTest, FollowBoxAndMuller) {
  constexpr uint32_t kRadius = 0x12345678u;
  const double r = std::sqrt(-2.0 * std::log((kRadius + 0.5) * 0x1p-32));
  double worst = 0;
  for (const uint32_t angle : Words()) {
    const double t = CenteredUnit(angle << 2);
    const double phi = (1.0 + t) * kPi / 4;
    const double x = r * std::cos(phi) * ((angle >> 31) != 0 ? -1 : 1);
    const double y = r * std::sin(phi) * ((angle >> 30 & 1) != 0 ? -1 : 1);
    const Pair<float> z = StandardNormals(kRadius, angle);
    worst = std::fmax(worst, std::fabs(z.first - x));
    worst = std::fmax(worst, std::fabs(z.second - y));
  }
  EXPECT_LT(worst, 1.2e-6);
}

TEST(StandardNormalsTest, FollowBoxAndMullerInDouble) {
  constexpr uint64_t kRadius = 0x123456789ABCDEF0u;
  const double r = std::sqrt(
      -2.0 * std::log((static_cast<double>(kRadius >> 11) + 0.5) * 0x1p-53));
  double worst = 0;
  for (const uint32_t word : Words()) {
    const uint64_t angle = Widen(word);
    const double phi = (1.0 + CenteredUnit(angle << 2)) * (kPi / 4);
    const double x = r * std::cos(phi) * ((angle >> 63) != 0 ? -1 : 1);
    const double y = r * std::sin(phi) * ((angle >> 62 & 1) != 0 ? -1 : 1);
    const Pair<double> z = StandardNormals(kRadius, angle);
    worst = std::fmax(worst, std::fabs(z.first - x));
    worst = std::fmax(worst, std::fabs(z.second - y));
  }
  EXPECT_LT(worst, 3e-15);
}

TEST(StandardNormalsTest, ReachFarIntoTheTail) {
  EXPECT_GT(
      std::hypot(StandardNormals(0u, 0u).first, StandardNormals(0u, 0u).second),
      6.75);
  EXPECT_GT(std::hypot(StandardNormals(uint64_t{0}, uint64_t{0}).first,
                       StandardNormals(uint64_t{0}, uint64_t{0}).second),
            8.64);
}

// The quantile is checked through its inverse, the complementary error
// function.
TEST(NormalQuantileTest, IsAccurateForFloatFromTheCentreToTheFarTail) {
  double worst = 0;
  for (float tail = 0.4999f; tail > 1e-36f; tail *= 0.9993f) {
    const float center = 0.5f - tail;
    const double z = NormalQuantile(center, tail);
    // Where the centre is what is exact, the tail that belongs to it.
    const double exact_tail = center <= 0x1.eap-2f
                                  ? 0.5 - static_cast<double>(center)
                                  : static_cast<double>(tail);
    const double found = 0.5 * std::erfc(z * std::sqrt(0.5));
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * kPi);
    // Error in z, relative.
    worst = std::fmax(worst, std::fabs(found - exact_tail) / density / z);
  }
  EXPECT_LT(worst, 6e-7);
}

TEST(NormalQuantileTest, IsAccurateForDoubleFromTheCentreToTheFarTail) {
  double worst = 0;
  for (double tail = 0.4999; tail > 1e-43; tail *= 0.9993) {
    const double center = 0.5 - tail;
    const double z = NormalQuantile(center, tail);
    const double exact_tail = center <= 0.425 ? 0.5 - center : tail;
    const double found = 0.5 * std::erfc(z * std::sqrt(0.5));
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * kPi);
    worst = std::fmax(worst, std::fabs(found - exact_tail) / density / z);
  }
  // Near the centre the cancellation is in this test: 1e-16 over a z of 2.5e-4.
  EXPECT_LT(worst, 1e-12);
}

TEST(NormalQuantileTest, RisesAcrossTheSeams) {
  for (const float seam : {0x1.eap-2f}) {
    const float next = std::nextafter(seam, 1.0f);
    EXPECT_LT(NormalQuantile(std::nextafter(seam, 0.0f),
                             0.5f - std::nextafter(seam, 0.0f)) -
                  NormalQuantile(next, 0.5f - next),
              2e-6f);
  }
}

}  // namespace
}  // namespace weightinit
