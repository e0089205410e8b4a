#include "core/random/half.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace weightinit {
namespace {

// The value of 16 bits with that many exponent and significand bits.
double Decode(uint16_t bits, int exponent_bits, int significand_bits) {
  const int exponent = (bits >> significand_bits) & ((1 << exponent_bits) - 1);
  const int significand = bits & ((1 << significand_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) {
    return sign * std::ldexp(significand, 1 - bias - significand_bits);
  }
  return sign * std::ldexp((1 << significand_bits) + significand,
                           exponent - bias - significand_bits);
}

struct Format {
  const char* name;
  uint16_t (*bits_of)(float);
  int exponent_bits;
  int significand_bits;
};

class HalfTest : public testing::TestWithParam<Format> {};

// For neighbours a < b of the format: a itself, the value just below the
// middle, the middle (to even) and the value just above it, and the same
// negated.
TEST_P(HalfTest, RoundsToNearestEvenBetweenAllNeighbours) {
  const Format& format = GetParam();
  const auto decode = [&](uint16_t bits) {
    return Decode(bits, format.exponent_bits, format.significand_bits);
  };
  const auto infinity = static_cast<uint16_t>(((1 << format.exponent_bits) - 1)
                                              << format.significand_bits);
  for (uint16_t a = 0; a + 1 < infinity; ++a) {
    const auto b = static_cast<uint16_t>(a + 1);
    const auto exact = static_cast<float>(decode(a));
    const auto middle = static_cast<float>((decode(a) + decode(b)) / 2);
    const uint16_t even = (a & 1) == 0 ? a : b;
    ASSERT_EQ(format.bits_of(exact), a);
    ASSERT_EQ(format.bits_of(-exact), a | 0x8000);
    ASSERT_EQ(format.bits_of(middle), even) << a;
    ASSERT_EQ(format.bits_of(-middle), even | 0x8000) << a;
    if (static_cast<double>(middle) != (decode(a) + decode(b)) / 2) continue;
    ASSERT_EQ(format.bits_of(std::nextafter(middle, 0.0f)), a);
    ASSERT_EQ(format.bits_of(std::nextafter(
                  middle, std::numeric_limits<float>::infinity())),
              b);
  }
}

TEST_P(HalfTest, OverflowsToInfinityFromHalfAStepAboveTheLargest) {
  const Format& format = GetParam();
  const auto infinity = static_cast<uint16_t>(((1 << format.exponent_bits) - 1)
                                              << format.significand_bits);
  EXPECT_EQ(format.bits_of(std::numeric_limits<float>::max()), infinity);
  EXPECT_EQ(format.bits_of(std::numeric_limits<float>::lowest()),
            infinity | 0x8000);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, HalfTest,
    testing::Values(Format{"float16", Float16Bits, 5, 10},
                    Format{"bfloat16", Bfloat16Bits, 8, 7}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weightinit
