#include "weightinit/core/names.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

template <typename E>
class NamesTest : public testing::Test {};
using AllEnums = testing::Types<Scheme, Activation, Dtype, Generator, Layout,
                                FanMode, Distribution, AdvisoryCode>;
// The empty argument is for clang's -Wpedantic.
TYPED_TEST_SUITE(NamesTest, AllEnums, );

TYPED_TEST(NamesTest, EveryValueParsesFromItsNameInAnyCase) {
  int expected = 1;  // Values have no gaps, so none is missing from the table.
  for (const auto& named : AllNamed<TypeParam>()) {
    EXPECT_EQ(static_cast<int>(named.value), expected++);
    EXPECT_EQ(NameOf(named.value), named.name);
    std::string upper(named.name);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(Parse<TypeParam>(named.name), named.value);
    EXPECT_EQ(Parse<TypeParam>(upper), named.value);
    EXPECT_TRUE(IsNamed(named.value));
  }
}

TYPED_TEST(NamesTest, UnspecifiedAndUnknownValuesHaveNoName) {
  for (const int value : {0, -1, 99}) {
    EXPECT_FALSE(IsNamed(static_cast<TypeParam>(value)));
    EXPECT_EQ(NameOf(static_cast<TypeParam>(value)), "unspecified");
  }
  EXPECT_EQ(Parse<TypeParam>(""), std::nullopt);
  EXPECT_EQ(Parse<TypeParam>("unspecified"), std::nullopt);
  EXPECT_EQ(Parse<TypeParam>("no such name"), std::nullopt);
}

TEST(NameAliasesTest, FrameworksSpellingsParse) {
  EXPECT_EQ(Parse<Scheme>("kaiming_uniform"), Scheme::kHeUniform);
  // Frameworks mean different ones.
  EXPECT_FALSE(Parse<Scheme>("kaiming_normal").has_value());
  EXPECT_EQ(Parse<Scheme>("glorot_uniform"), Scheme::kXavierUniform);
  EXPECT_EQ(Parse<Activation>("SiLU"), Activation::kSwish);
  EXPECT_EQ(Parse<Activation>("none"), Activation::kLinear);
  EXPECT_EQ(Parse<Dtype>("f32"), Dtype::kFloat32);
  EXPECT_EQ(Parse<Dtype>("bf16"), Dtype::kBfloat16);
  EXPECT_EQ(Parse<FanMode>("fan_avg"), FanMode::kAverage);
}

}  // namespace
}  // namespace weightinit
