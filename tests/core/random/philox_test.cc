#include "core/random/philox.h"

#include <cstdint>
#include <random>

#include "Random123/philox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;

// The known answers of the generator's authors (Random123, kat_vectors).
TEST(PhiloxTest, AllZeroInputGivesKnownAnswer) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
}

TEST(PhiloxTest, AllOnesInputGivesKnownAnswer) {
  constexpr uint32_t kOnes = 0xFFFFFFFFu;
  EXPECT_THAT(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
}

TEST(PhiloxTest, DigitsOfPiGiveKnownAnswer) {
  EXPECT_THAT(Philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
                         {0xa4093822u, 0x299f31d0u}),
              ElementsAre(0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u));
}

TEST(PhiloxTest, AgreesWithRandom123OnRandomInputs) {
  std::mt19937 random(20260101);
  const auto word = [&] { return static_cast<uint32_t>(random()); };
  r123::Philox4x32 peer;
  for (int i = 0; i < 100000; ++i) {
    const PhiloxCounter counter = {word(), word(), word(), word()};
    const PhiloxKey key = {word(), word()};
    const auto expected = peer(
        {{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
    ASSERT_THAT(Philox4x32(counter, key),
                ElementsAre(expected[0], expected[1], expected[2], expected[3]))
        << "input " << i;
  }
}

}  // namespace
}  // namespace weightinit
