#include "weightinit/core/expression.h"

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

const std::vector<NamedNumber>& Numbers() {
  static const auto& numbers =
      *new std::vector<NamedNumber>{{"layers", 12}, {"i", 3}, {"_x1", 0.5}};
  return numbers;
}

double Value(std::string_view expression) {
  const auto value = Evaluate(expression, Numbers());
  EXPECT_TRUE(value.ok()) << expression << ": " << value.status();
  return value.value_or(-1e300);
}

std::string Error(std::string_view expression) {
  const auto value = Evaluate(expression, Numbers());
  EXPECT_TRUE(absl::IsInvalidArgument(value.status())) << expression;
  return std::string(value.status().message());
}

TEST(ExpressionTest, NumbersAreRoundedToNearest) {
  EXPECT_EQ(Value("0.02"), 0.02);
  EXPECT_EQ(Value("1e-3"), 1e-3);
  EXPECT_EQ(Value("12."), 12.0);
  EXPECT_EQ(Value(".5E+1"), 5.0);
  EXPECT_EQ(Value("0.1000000000000000055511151231257827021181583404541015625"),
            0.1);
}

TEST(ExpressionTest, NumbersTooSmallForBinary64AreRounded) {
  EXPECT_EQ(Value("2.4e-324"), 0.0);
  EXPECT_EQ(Value("2.5e-324"), 4.9406564584124654e-324);
  EXPECT_EQ(Value("1e-400"), 0.0);
}

TEST(ExpressionTest, AnExponentWithoutDigitsIsNoPartOfANumber) {
  EXPECT_THAT(Error("2e"),
              HasSubstr("an operator is expected, at character 2"));
  EXPECT_THAT(Error("2e+"), HasSubstr("an operator is expected"));
  EXPECT_THAT(Error("0x10"),
              HasSubstr("an operator is expected, at character 2"));
}

TEST(ExpressionTest, ProductsBindMoreThanSumsAndBothGoLeftToRight) {
  EXPECT_EQ(Value("2+3*4"), 14.0);
  EXPECT_EQ(Value("(2+3)*4"), 20.0);
  EXPECT_EQ(Value("8/4/2"), 1.0);
  EXPECT_EQ(Value("8-4-2"), 2.0);
  EXPECT_EQ(Value("0.1*3/3"), 0.1 * 3 / 3);
  EXPECT_NE(Value("0.1+0.2+0.3"), Value("0.1+(0.2+0.3)"));
}

TEST(ExpressionTest, ASignBelongsToWhatFollows) {
  EXPECT_EQ(Value("-2*-3"), 6.0);
  EXPECT_EQ(Value("2 - -i"), 5.0);
  EXPECT_EQ(Value("+4"), 4.0);
  EXPECT_TRUE(std::signbit(Value("-0")));
}

TEST(ExpressionTest, NamesAreConstantsAndIndices) {
  EXPECT_EQ(Value("0.02/sqrt(2*(i+1))"), 0.02 / std::sqrt(8.0));
  EXPECT_EQ(Value("0.02 / sqrt( 2 * layers )"), 0.02 / std::sqrt(24.0));
  EXPECT_EQ(Value("_x1"), 0.5);
}

TEST(ExpressionTest, TheNearerOfTwoNumbersOfOneNameIsTaken) {
  EXPECT_EQ(Evaluate("i", {{"i", 1}, {"i", 2}}).value_or(0), 2.0);
}

TEST(ExpressionTest, AnErrorSaysWhatIsExpectedAndWhere) {
  EXPECT_THAT(Error(""), HasSubstr("is expected, at character 1"));
  EXPECT_THAT(Error("1+"), HasSubstr("is expected, at character 3"));
  EXPECT_THAT(Error("(1"), HasSubstr("\")\" is expected, at character 3"));
  EXPECT_THAT(Error("1)"), HasSubstr("at character 2"));
  EXPECT_THAT(Error("2 3"),
              HasSubstr("an operator is expected, at character 3"));
  EXPECT_THAT(Error("depth*2"), HasSubstr("\"depth\" is no constant"));
  EXPECT_THAT(Error("sqrt 4"), HasSubstr("\"(\" is expected, at character 6"));
  EXPECT_THAT(Error("--1"), HasSubstr("at character 2"));
  EXPECT_THAT(Error("2**3"), HasSubstr("at character 3"));
  EXPECT_THAT(Error("."), HasSubstr("a number is expected"));
  EXPECT_THAT(Error("1e999"), HasSubstr("out of range"));
  EXPECT_THAT(Error("1\t+2"), HasSubstr("at character 2"));
  EXPECT_THAT(Error(std::string_view("1\0", 2)), HasSubstr("at character 2"));
  EXPECT_THAT(Error("\xc3\xa9"), HasSubstr("at character 1"));
}

TEST(ExpressionTest, AValueThatIsNotFiniteIsAnError) {
  EXPECT_THAT(Error("1/0"), HasSubstr("not finite"));
  EXPECT_THAT(Error("sqrt(-1)"), HasSubstr("not finite"));
  EXPECT_THAT(Error("1e308*10"), HasSubstr("not finite"));
}

TEST(ExpressionTest, LengthAndDepthAreBounded) {
  EXPECT_THAT(Error(std::string(257, '1')), HasSubstr("at most 256"));
  EXPECT_EQ(Value(std::string(32, '(') + "1" + std::string(32, ')')), 1.0);
  EXPECT_THAT(Error(std::string(33, '(') + "1" + std::string(33, ')')),
              HasSubstr("more than 32 brackets"));
}

TEST(ExpressionTest, NamesAreIdentifiersOtherThanSqrt) {
  EXPECT_TRUE(IsExpressionName("layers"));
  EXPECT_TRUE(IsExpressionName("_2"));
  for (const std::string_view bad :
       {"", "2x", "a-b", "sqrt", "a b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsExpressionName(bad)) << bad;
  }
}

}  // namespace
}  // namespace weightinit
