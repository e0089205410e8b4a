// Plans of tensors that are made of parts. Their bytes are in
// tests/core/tensor/concatenation_test.cc.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

TensorPart Part(const std::string& name, int64_t size,
                Scheme scheme = Scheme::kUnspecified) {
  TensorPart part;
  part.name = name;
  part.size = size;
  part.scheme = scheme;
  return part;
}

// Query, key and value of 8, 2 and 2 rows of 6.
TensorRequest Attention() {
  TensorRequest request;
  request.tensor.name = "qkv";
  request.tensor.shape = {12, 6};
  request.tensor.concatenation.parts = {Part("q", 8), Part("k", 2),
                                        Part("v", 2)};
  return request;
}

TensorPlan Plan(const TensorRequest& request) {
  const auto plan = Resolve(request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.value();
}

// Checks that `request` has that violation.
void ExpectViolation(const TensorRequest& request, const std::string& field,
                     const std::string& description) {
  const auto plan = Resolve(request);
  ASSERT_TRUE(absl::IsInvalidArgument(plan.status())) << plan.status();
  EXPECT_THAT(
      GetViolations(plan.status()),
      Contains(AllOf(Field(&Violation::field, field),
                     Field(&Violation::description, HasSubstr(description)))))
      << plan.status();
}

TEST(ResolvePartsTest, EachPartHasFansOfItsOwnShape) {
  const TensorPlan plan = Plan(Attention());
  ASSERT_EQ(plan.parts.size(), 3U);
  EXPECT_EQ(plan.parts[0].fan_out, 8);
  EXPECT_EQ(plan.parts[1].fan_out, 2);
  EXPECT_EQ(plan.parts[2].fan_in, 6);
  EXPECT_THAT(plan.parts[1].shape, ElementsAre(2, 6));
  EXPECT_EQ(plan.parts[0].scheme, Scheme::kXavierNormal);
}

TEST(ResolvePartsTest, TheWholeHasNoSchemeFansAndKeyButTheMixturesMoments) {
  TensorRequest request = Attention();
  request.tensor.concatenation.parts = {Part("q", 6, Scheme::kOnes),
                                        Part("k", 6, Scheme::kZeros)};
  const TensorPlan plan = Plan(request);
  EXPECT_EQ(plan.scheme, Scheme::kUnspecified);
  EXPECT_EQ(plan.fan_in, std::nullopt);
  EXPECT_EQ(plan.gain, std::nullopt);
  EXPECT_EQ(plan.stream_key.key, 0U);
  EXPECT_EQ(plan.mean, 0.5);
  EXPECT_EQ(plan.stddev, 0.5);
  EXPECT_EQ(plan.low, 0.0);
  EXPECT_EQ(plan.high, 1.0);
}

TEST(ResolvePartsTest, APartWithoutSchemeTakesThatOfTheTensor) {
  TensorRequest request = Attention();
  request.tensor.scheme = Scheme::kNormal;
  request.tensor.parameters.stddev = 0.02;
  request.tensor.concatenation.parts[1].parameters.stddev = 0.5;
  request.tensor.concatenation.parts[2].scheme = Scheme::kXavierUniform;
  const TensorPlan plan = Plan(request);
  EXPECT_EQ(plan.parts[0].parameters.stddev, 0.02);
  EXPECT_EQ(plan.parts[1].parameters.stddev, 0.5);
  EXPECT_EQ(plan.parts[2].scheme, Scheme::kXavierUniform);
}

TEST(ResolvePartsTest, ASliceReachesThePartsItCuts) {
  TensorRequest request = Attention();
  request.slice = {{7, 11}, {1, 3}};
  const TensorPlan plan = Plan(request);
  EXPECT_EQ(plan.elements, 8);
  EXPECT_EQ(plan.parts[0].elements, 2);
  EXPECT_EQ(plan.parts[0].slice[0].start, 7);
  EXPECT_EQ(plan.parts[1].elements, 4);
  EXPECT_EQ(plan.parts[2].elements, 2);
  EXPECT_EQ(plan.parts[2].slice[0].stop, 1);
}

TEST(ResolvePartsTest, AnAdvisoryNamesItsPart) {
  TensorRequest request = Attention();
  request.tensor.concatenation.parts[1].scheme = Scheme::kZeros;
  const TensorPlan plan = Plan(request);
  ASSERT_EQ(plan.advisories.size(), 1U);
  EXPECT_EQ(plan.advisories[0].code, AdvisoryCode::kSymmetryNotBroken);
  EXPECT_THAT(plan.advisories[0].message, HasSubstr("part k: "));
}

TEST(ResolvePartsTest, SizesThatDoNotAddUpAreAnError) {
  TensorRequest request = Attention();
  request.tensor.concatenation.parts[0].size = 7;
  ExpectViolation(request, "tensor.concatenation.parts", "do not add up to 12");
  request.tensor.concatenation.parts[0].size = int64_t{1} << 62;
  request.tensor.concatenation.parts[1].size = int64_t{1} << 62;
  ExpectViolation(request, "tensor.concatenation.parts", "do not add up to 12");
  request.tensor.concatenation.parts[0].size = -1;
  ExpectViolation(request, "tensor.concatenation.parts[0].size", "at least 0");
}

TEST(ResolvePartsTest, AnAxisOutsideTheShapeIsAnError) {
  TensorRequest request = Attention();
  request.tensor.concatenation.axis = 2;
  ExpectViolation(request, "tensor.concatenation.axis", "from 0 to 1");
  request.tensor.concatenation.axis = -1;
  ExpectViolation(request, "tensor.concatenation.axis", "from 0 to 1");
  request.tensor.shape.clear();
  ExpectViolation(request, "tensor.concatenation", "a scalar has none");
}

TEST(ResolvePartsTest, NamesAreRequiredAndDifferent) {
  TensorRequest request = Attention();
  request.tensor.concatenation.parts[1].name = "";
  ExpectViolation(request, "tensor.concatenation.parts[1].name", "is required");
  request.tensor.concatenation.parts[1].name = "q";
  ExpectViolation(request, "tensor.concatenation.parts[1].name",
                  "another part");
}

TEST(ResolvePartsTest, FansOfTheWholeAndALayoutOfAPartAreErrors) {
  TensorRequest request = Attention();
  request.tensor.fan.fan_in = 3;
  ExpectViolation(request, "tensor.fan.fan_in", "the parts have fans");
  request = Attention();
  request.tensor.concatenation.parts[2].fan.layout = Layout::kInOut;
  ExpectViolation(request, "tensor.concatenation.parts[2].fan.layout",
                  "the layout is the tensor's");
}

TEST(ResolvePartsTest, AViolationOfAPartHasThePartsPath) {
  TensorRequest request = Attention();
  request.tensor.concatenation.parts[1].parameters.gain = -1;
  ExpectViolation(request, "tensor.concatenation.parts[1].parameters.gain",
                  "-1");
}

TEST(ResolvePartsTest, StackedPartsHaveNoSizeAndAreAsManyAsTheAxisSays) {
  TensorRequest request = Attention();
  request.tensor.concatenation.stacked = true;
  ExpectViolation(request, "tensor.concatenation.parts[0].size",
                  "stacked parts have none");
  for (TensorPart& part : request.tensor.concatenation.parts) part.size = 0;
  ExpectViolation(request, "tensor.concatenation.parts",
                  "has 3 stacked parts; must have 12");
}

TEST(ResolvePartsTest, TooManyPartsAndTooDeepOnesAreErrors) {
  TensorRequest request = Attention();
  request.tensor.concatenation.parts.assign(2049, Part("x", 0));
  ExpectViolation(request, "tensor.concatenation.parts", "more than 2048");
  request = Attention();
  Concatenation* level = &request.tensor.concatenation;
  for (int i = 0; i < 4; ++i) {
    level->parts = {Part("p" + std::to_string(i), 12)};
    level = &level->parts[0].concatenation;
  }
  EXPECT_TRUE(Resolve(request).ok()) << Resolve(request).status();
  level->parts = {Part("p4", 12)};
  ExpectViolation(request, "tensor.concatenation.parts", "more than 4 levels");
}

}  // namespace
}  // namespace weightinit
