// Invalid requests: every violated field is named, with the allowed range.

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const Violation& violation : GetViolations(status)) {
    fields.push_back(violation.field);
    EXPECT_FALSE(violation.description.empty());
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(violation.description));
  }
  return fields;
}

struct BadCase {
  std::string name;
  std::function<void(TensorRequest&)> spoil;
  std::vector<std::string> fields;
  std::string part_of_message;
};

class BadRequestTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadRequestTest, NamesTheFieldsAndTheRange) {
  TensorRequest request;
  request.tensor.shape = {64, 32};
  GetParam().spoil(request);
  const absl::Status status = Resolve(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(Fields(status), ElementsAreArray(GetParam().fields)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(GetParam().part_of_message));
}

// Shorthand for the table.
using R = TensorRequest;
constexpr auto kParameters = "tensor.parameters.";
BadCase Parameter(std::string name, Scheme scheme,
                  const std::function<void(SchemeParameters&)>& set,
                  const std::string& field, std::string part = "") {
  return {std::move(name),
          [=](R& r) {
            r.tensor.scheme = scheme;
            set(r.tensor.parameters);
          },
          {kParameters + field},
          std::move(part)};
}
using P = SchemeParameters;

INSTANTIATE_TEST_SUITE_P(
    Shape, BadRequestTest,
    testing::Values(
        BadCase{"RankAbove16",
                [](R& r) { r.tensor.shape.assign(17, 1); },
                {"tensor.shape"},
                "at most 16"},
        BadCase{"NegativeDimension",
                [](R& r) {
                  r.tensor.shape = {4, -1};
                },
                {"tensor.shape[1]"},
                "is -1; must be at least 0"},
        BadCase{"EveryNegativeDimension",
                [](R& r) {
                  r.tensor.shape = {-2, 4, -1};
                },
                {"tensor.shape[0]", "tensor.shape[2]"},
                "at least 0"},
        BadCase{"ProductOverflows",
                [](R& r) {
                  r.tensor.shape = {int64_t{1} << 32, int64_t{1} << 32};
                },
                {"tensor.shape"},
                "at most 1099511627776"},
        BadCase{"ProductOverflowsBesideAZero",
                [](R& r) {
                  r.tensor.shape = {int64_t{1} << 62, 0, int64_t{1} << 62};
                },
                {"tensor.shape"},
                "at most 1099511627776"},
        BadCase{"OneDimensionAboveTheLimit",
                [](R& r) { r.tensor.shape = {(int64_t{1} << 40) + 1}; },
                {"tensor.shape"},
                "at most 1099511627776"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Parameters, BadRequestTest,
    testing::Values(
        Parameter(
            "StddevNan", Scheme::kNormal, [](P& p) { p.stddev = std::nan(""); },
            "stddev", "must be finite"),
        Parameter(
            "StddevInfinite", Scheme::kNormal,
            [](P& p) { p.stddev = kInfinity; }, "stddev", "must be finite"),
        Parameter(
            "StddevNegative", Scheme::kNormal, [](P& p) { p.stddev = -0.1; },
            "stddev", "at least 0"),
        Parameter(
            "MeanInfinite", Scheme::kTruncatedNormal,
            [](P& p) { p.mean = -kInfinity; }, "mean", "must be finite"),
        Parameter(
            "GainZero", Scheme::kXavierUniform, [](P& p) { p.gain = 0; },
            "gain", "above 0"),
        Parameter(
            "ScaleNegative", Scheme::kVarianceScaling,
            [](P& p) { p.scale = -1; }, "scale", "above 0"),
        Parameter(
            "LowEqualsHigh", Scheme::kUniform, [](P& p) { p.low = p.high = 3; },
            "low", "below high"),
        Parameter(
            "LowAboveTheDefaultHigh", Scheme::kUniform, [](P& p) { p.low = 2; },
            "low", "below high"),
        Parameter(
            "HighBelowTheDefaultLow", Scheme::kTruncatedNormal,
            [](P& p) { p.high = -3; }, "high", "below high"),
        Parameter(
            "LowNan", Scheme::kUniform, [](P& p) { p.low = std::nan(""); },
            "low", "finite"),
        Parameter(
            "TruncationEmpty", Scheme::kTruncatedNormal,
            [](P& p) { p.low = 40, p.high = 41; }, "low", "empty"),
        Parameter(
            "NoFloatBetweenTheBounds", Scheme::kUniform,
            [](P& p) { p.low = 1 + 1e-12, p.high = 1 + 2e-12; }, "low",
            "further apart"),
        Parameter(
            "ConstantWithoutValue", Scheme::kConstant, [](P&) {}, "value",
            "required"),
        Parameter(
            "ValueNan", Scheme::kConstant, [](P& p) { p.value = std::nan(""); },
            "value", "finite"),
        Parameter(
            "ValueAboveFloat32", Scheme::kConstant,
            [](P& p) { p.value = 1e39; }, "value", "finite in float32"),
        Parameter(
            "StddevAboveFloat32", Scheme::kNormal,
            [](P& p) { p.stddev = 1e38; }, "stddev", "finite in float32"),
        Parameter(
            "FanModeUnknown", Scheme::kHeNormal,
            [](P& p) { p.fan_mode = static_cast<FanMode>(9); }, "fan_mode",
            "not a known"),
        Parameter(
            "DistributionUnknown", Scheme::kVarianceScaling,
            [](P& p) { p.distribution = static_cast<Distribution>(-2); },
            "distribution", "not a known"),
        Parameter(
            "DistributionConstant", Scheme::kVarianceScaling,
            [](P& p) { p.distribution = Distribution::kConstant; },
            "distribution", "uniform, normal or truncated_normal"),
        BadCase{"SlopeOfRelu",
                [](R& r) {
                  r.tensor.activation = Activation::kRelu;
                  r.tensor.parameters.negative_slope = 0.2;
                },
                {"tensor.parameters.negative_slope"},
                "leaky_relu"},
        BadCase{"Float16Overflow",
                [](R& r) {
                  r.tensor.dtype = Dtype::kFloat16;
                  r.tensor.scheme = Scheme::kNormal;
                  r.tensor.parameters.stddev = 7000;
                },
                {"tensor.parameters.stddev"},
                "65504"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Rest, BadRequestTest,
    testing::Values(BadCase{"FanSchemeOfAVector",
                            [](R& r) {
                              r.tensor.shape = {10};
                              r.tensor.scheme = Scheme::kXavierNormal;
                            },
                            {"tensor.fan.fan_in", "tensor.fan.fan_out"},
                            "rank below 2"},
                    BadCase{"FanInSchemeOfAScalar",
                            [](R& r) {
                              r.tensor.shape = {};
                              r.tensor.scheme = Scheme::kLecunNormal;
                            },
                            {"tensor.fan.fan_in"},
                            "rank below 2"},
                    BadCase{"FanOutModeOfAVector",
                            [](R& r) {
                              r.tensor.shape = {10};
                              r.tensor.scheme = Scheme::kHeNormal;
                              r.tensor.parameters.fan_mode = FanMode::kOut;
                            },
                            {"tensor.fan.fan_out"},
                            "rank below 2"},
                    BadCase{"VariancePreservingBeforeSoftmax",
                            [](R& r) {
                              r.tensor.activation = Activation::kSoftmax;
                              r.tensor.scheme =
                                  Scheme::kVariancePreservingNormal;
                            },
                            {"tensor.activation"},
                            "no function of one number"},
                    BadCase{"VariancePreservingSlopeWithoutItsActivation",
                            [](R& r) {
                              r.tensor.scheme =
                                  Scheme::kVariancePreservingUniform;
                              r.tensor.parameters.negative_slope = 0.2;
                            },
                            {"tensor.parameters.negative_slope"},
                            "must be leaky_relu or prelu"},
                    BadCase{"GroupsDoNotDivide",
                            [](R& r) { r.tensor.fan.groups = 5; },
                            {"tensor.fan.groups"},
                            "must divide"},
                    BadCase{"GroupsNegative",
                            [](R& r) { r.tensor.fan.groups = -1; },
                            {"tensor.fan.groups"},
                            "at least 1"},
                    BadCase{"FanOfZero",
                            [](R& r) { r.tensor.fan.fan_in = 0; },
                            {"tensor.fan.fan_in"},
                            "at least 1"},
                    BadCase{"SliceOfAnotherRank",
                            [](R& r) {
                              r.slice = {{0, 1}};
                            },
                            {"slice"},
                            "each of the 2"},
                    BadCase{"SliceStopPastTheEnd",
                            [](R& r) {
                              r.slice = {{0, 65}, {0, 32}};
                            },
                            {"slice[0].stop"},
                            "from 0 to 64"},
                    BadCase{"SliceStartNegative",
                            [](R& r) {
                              r.slice = {{0, 64}, {-1, 32}};
                            },
                            {"slice[1].start"},
                            "from 0 to 32"},
                    BadCase{"SliceReversed",
                            [](R& r) {
                              r.slice = {{9, 3}, {0, 32}};
                            },
                            {"slice[0].start"},
                            "not be above stop"},
                    BadCase{"EnumsUnknown",
                            [](R& r) {
                              r.generator = static_cast<Generator>(7);
                              r.tensor.scheme = static_cast<Scheme>(99);
                              r.tensor.activation = static_cast<Activation>(-1);
                              r.tensor.dtype = static_cast<Dtype>(5);
                              r.tensor.fan.layout = static_cast<Layout>(3);
                            },
                            {"generator", "tensor.activation", "tensor.dtype",
                             "tensor.fan.layout", "tensor.scheme"},
                            "not a known"},
                    BadCase{"NameTooLong",
                            [](R& r) { r.tensor.name.assign(1025, 'a'); },
                            {"tensor.name"},
                            "at most 1024"},
                    BadCase{"NameNotUtf8",
                            [](R& r) { r.tensor.name = "w\xFF"; },
                            {"tensor.name"},
                            "UTF-8"},
                    BadCase{"NameWithASurrogate",
                            [](R& r) { r.tensor.name = "\xED\xA0\x80"; },
                            {"tensor.name"},
                            "UTF-8"},
                    BadCase{"NameWithAnOverlongForm",
                            [](R& r) { r.tensor.name = "\xC0\xAF"; },
                            {"tensor.name"},
                            "UTF-8"},
                    BadCase{"NameCutOff",
                            [](R& r) { r.tensor.name = "\xE2\x82"; },
                            {"tensor.name"},
                            "UTF-8"},
                    BadCase{"ChunkTooSmall",
                            [](R& r) { r.chunk_bytes = 63; },
                            {"chunk_bytes"},
                            "from 64 to 2097152"},
                    BadCase{"ChunkTooLarge",
                            [](R& r) { r.chunk_bytes = (2 << 20) + 1; },
                            {"chunk_bytes"},
                            "from 64 to 2097152"},
                    BadCase{"ChunkNegative",
                            [](R& r) { r.chunk_bytes = -1; },
                            {"chunk_bytes"},
                            "from 64 to 2097152"},
                    BadCase{"FirstElementNegative",
                            [](R& r) { r.first_element = -1; },
                            {"first_element"},
                            "at least 0"},
                    BadCase{"NegativeElementCount",
                            [](R& r) { r.element_count = -1; },
                            {"element_count"},
                            "is -1; must be at least 0"},
                    BadCase{"EverythingAtOnce",
                            [](R& r) {
                              r.tensor.name = "\xFF";
                              r.tensor.scheme = Scheme::kNormal;
                              r.tensor.parameters.stddev = -1;
                              r.tensor.parameters.gain = 2;
                              r.tensor.fan.groups = 7;
                              r.slice = {{0, 99}, {5, 1}};
                              r.chunk_bytes = 1;
                            },
                            {"tensor.name", "chunk_bytes", "slice[0].stop",
                             "slice[1].start", "tensor.parameters.gain",
                             "tensor.parameters.stddev", "tensor.fan.groups"},
                            ""},
                    BadCase{"EverythingAtOnceWithABadShape",
                            [](R& r) {
                              r.tensor.shape = {4, -3};
                              r.tensor.scheme = Scheme::kNormal;
                              r.tensor.parameters.stddev = std::nan("");
                              r.tensor.fan.groups = -1;
                              r.tensor.fan.fan_in = 0;
                              r.slice = {{0, 5}, {7, 6}};
                            },
                            {"tensor.shape[1]", "slice[0].stop",
                             "slice[1].start", "tensor.parameters.stddev",
                             "tensor.fan.groups", "tensor.fan.fan_in"},
                            ""}),
    [](const auto& info) { return info.param.name; });

TEST(FirstElementTest, AtTheEndIsValidAndPastItIsOutOfRange) {
  TensorRequest request;
  request.tensor.shape = {8, 4};
  request.slice = {{0, 2}, {0, 4}};
  request.first_element = 8;
  EXPECT_EQ(Resolve(request)->elements, 0);
  request.first_element = 9;
  const absl::Status status = Resolve(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(Fields(status), ElementsAre("first_element"));
}

TEST(ElementCountTest, PastTheEndIsOutOfRange) {
  TensorRequest request;
  request.tensor.shape = {2, 4};
  request.first_element = 3;
  request.element_count = 5;
  EXPECT_EQ(Resolve(request)->elements, 5);
  for (const int64_t count : {int64_t{6}, INT64_MAX}) {
    request.element_count = count;
    const absl::Status status = Resolve(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(Fields(status), ElementsAre("element_count"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("from 0 to 5"));
  }
}

TEST(LimitTest, OfElementsIsExact) {
  TensorRequest request;
  request.tensor.shape = {10, 10};
  EXPECT_TRUE(Resolve(request, Limits{100}).ok());
  EXPECT_FALSE(Resolve(request, Limits{99}).ok());
}

TEST(NameTest, OfTheLargestSizeAndAnyUtf8IsValid) {
  TensorRequest request;
  request.tensor.shape = {4};
  for (const std::string& name : {std::string(1024, 'a'), std::string("\0x", 2),
                                  std::string("\u00e9\u20ac\U0010FFFF")}) {
    request.tensor.name = name;
    EXPECT_TRUE(Resolve(request).ok());
  }
}

TEST(ViolationsTest, OfAnUnrelatedStatusAreNone) {
  EXPECT_TRUE(GetViolations(absl::InternalError("x")).empty());
  EXPECT_TRUE(GetViolations(absl::OkStatus()).empty());
}

}  // namespace
}  // namespace weightinit
