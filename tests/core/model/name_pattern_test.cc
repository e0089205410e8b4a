#include "core/model/name_pattern.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/name_pattern.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

TEST(NamePatternTest, AStarIsAnyTextAndAQuestionMarkOneCharacter) {
  EXPECT_TRUE(MatchesPattern("*.bias", "h.0.attn.bias"));
  EXPECT_TRUE(MatchesPattern("*.bias", ".bias"));
  EXPECT_FALSE(MatchesPattern("*.bias", "bias"));
  EXPECT_FALSE(MatchesPattern("*.bias", "h.bias_hh"));
  EXPECT_TRUE(MatchesPattern("h.?.attn", "h.7.attn"));
  EXPECT_FALSE(MatchesPattern("h.?.attn", "h.11.attn"));
  EXPECT_TRUE(MatchesPattern("a?b",
                             "a\xc3\xa9"
                             "b"));
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("**", "x"));
  EXPECT_FALSE(MatchesPattern("", "x"));
  EXPECT_FALSE(MatchesPattern("?", ""));
}

TEST(NamePatternTest, AnyOtherCharacterIsItself) {
  EXPECT_TRUE(MatchesPattern("w[0].x", "w[0].x"));
  EXPECT_FALSE(MatchesPattern("w[0].x", "w0.x"));
  EXPECT_FALSE(MatchesPattern("w.x", "wyx"));
}

TEST(NamePatternTest, SeveralStarsGoBackOnlyAsFarAsNeeded) {
  EXPECT_TRUE(MatchesPattern("*a*b*", "xxaxxbxx"));
  EXPECT_TRUE(MatchesPattern("*ab", "aab"));
  EXPECT_FALSE(MatchesPattern("*a*b", "ba"));
  // Exponential if it tried every way.
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(MatchesPattern(pattern + "b", std::string(1000, 'a')));
}

TEST(NamePatternTest, IndicesFillBraces) {
  EXPECT_EQ(FillIndices("h.{i}.e{j}.w", {{"i", 3}, {"j", 12}}).value_or(""),
            "h.3.e12.w");
  EXPECT_EQ(FillIndices("plain", {}).value_or(""), "plain");
  EXPECT_EQ(FillIndices("", {}).value_or("x"), "");
}

TEST(NamePatternTest, BracesThatNameNoIndexAreAnError) {
  for (const std::string_view bad :
       {"h.{k}", "h.{i", "h.i}", "h.{}", "{{i}}"}) {
    const auto filled = FillIndices(bad, {{"i", 3}});
    EXPECT_TRUE(absl::IsInvalidArgument(filled.status())) << bad;
  }
  EXPECT_THAT(FillIndices("h.{k}", {{"i", 3}}).status().message(),
              HasSubstr("{k}"));
}

}  // namespace
}  // namespace weightinit
