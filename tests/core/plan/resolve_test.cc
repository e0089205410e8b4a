// Defaults and schemes. Invalid requests are in resolve_violations_test.cc,
// advisories in advisories_test.cc.

#include "weightinit/core/resolve.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;

TensorRequest Request(std::vector<int64_t> shape,
                      Activation activation = Activation::kUnspecified,
                      Scheme scheme = Scheme::kUnspecified) {
  TensorRequest request;
  request.tensor.shape = std::move(shape);
  request.tensor.activation = activation;
  request.tensor.scheme = scheme;
  return request;
}

TensorPlan Plan(const TensorRequest& request) {
  const auto plan = Resolve(request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.value();
}

TEST(RecommendedSchemeTest, FollowsTheActivation) {
  const auto scheme = [](Activation activation) {
    return Plan(Request({8, 4}, activation)).scheme;
  };
  for (const Activation activation :
       {Activation::kUnspecified, Activation::kLinear, Activation::kSigmoid,
        Activation::kTanh, Activation::kSoftmax}) {
    EXPECT_EQ(scheme(activation), Scheme::kXavierNormal) << NameOf(activation);
  }
  for (const Activation activation :
       {Activation::kRelu, Activation::kLeakyRelu, Activation::kSwish,
        Activation::kGelu, Activation::kElu, Activation::kMish,
        Activation::kPrelu}) {
    EXPECT_EQ(scheme(activation), Scheme::kHeNormal) << NameOf(activation);
  }
  EXPECT_EQ(scheme(Activation::kSelu), Scheme::kLecunNormal);
}

TEST(RecommendedSchemeTest, OfABiasIsZeros) {
  EXPECT_EQ(Plan(Request({3072}, Activation::kRelu)).scheme, Scheme::kZeros);
  EXPECT_EQ(Plan(Request({})).scheme, Scheme::kZeros);
}

TEST(DefaultsTest, AreFilledIn) {
  const TensorPlan plan = Plan(Request({8, 4}));
  EXPECT_EQ(plan.activation, Activation::kLinear);
  EXPECT_EQ(plan.dtype, Dtype::kFloat32);
  EXPECT_EQ(plan.layout, Layout::kOutIn);
  EXPECT_EQ(plan.generator, Generator::kPhilox4x32V1);
  EXPECT_EQ(plan.tensor_elements, 32);
  EXPECT_EQ(plan.elements, 32);
  EXPECT_EQ(plan.bytes, 128);
  EXPECT_EQ(plan.chunk_elements, (256 << 10) / 4);
  EXPECT_THAT(plan.SliceShape(), ElementsAre(8, 4));
}

TEST(SliceTest, CountsOnlyWhatIsDelivered) {
  TensorRequest request = Request({8, 4, 10});
  request.slice = {{2, 5}, {1, std::nullopt}, {0, 10}};
  request.first_element = 7;
  request.tensor.dtype = Dtype::kFloat64;
  const TensorPlan plan = Plan(request);
  EXPECT_THAT(plan.SliceShape(), ElementsAre(3, 3, 10));
  EXPECT_EQ(plan.tensor_elements, 320);
  EXPECT_EQ(plan.elements, 90 - 7);
  EXPECT_EQ(plan.bytes, (90 - 7) * 8);
}

TEST(ElementCountTest, EndsTheDeliveryInsideTheSlice) {
  TensorRequest request = Request({8, 4, 10});
  request.slice = {{2, 5}, {1, std::nullopt}, {0, 10}};
  request.first_element = 7;
  request.element_count = 5;
  const TensorPlan plan = Plan(request);
  EXPECT_THAT(plan.SliceShape(), ElementsAre(3, 3, 10));
  EXPECT_EQ(plan.first_element, 7);
  EXPECT_EQ(plan.elements, 5);
  EXPECT_EQ(plan.bytes, 5 * 4);
}

TEST(ElementCountTest, OfZeroDeliversNothing) {
  TensorRequest request = Request({8, 4});
  request.element_count = 0;
  EXPECT_EQ(Plan(request).elements, 0);
  EXPECT_EQ(Plan(request).bytes, 0);
}

TEST(ChunkBytesTest, AreRoundedDownToWholeElements) {
  TensorRequest request = Request({8, 4});
  request.chunk_bytes = 71;
  request.tensor.dtype = Dtype::kFloat64;
  EXPECT_EQ(Plan(request).chunk_elements, 8);
}

TEST(StreamKeyTest, IsThatOfTheWorkedExample) {
  TensorRequest request = Request({8, 4});
  request.seed = 42;
  request.tensor.name = "fc1.weight";
  EXPECT_EQ(Plan(request).stream_key.key, 0x84e2e2f5fbfb506bu);
  EXPECT_EQ(Plan(request).stream_key.stream, 0x8142b8e2fd0341ecu);
}

// A weight of fan_in 300 and fan_out 200: what each scheme makes of it.
struct SchemeCase {
  Scheme scheme;
  Activation activation;
  SchemeParameters parameters;
  double stddev;
  std::optional<double> bound;
  std::optional<double> gain;
};

SchemeParameters With(void (*set)(SchemeParameters&)) {
  SchemeParameters parameters;
  set(parameters);
  return parameters;
}

class SchemeTest : public testing::TestWithParam<SchemeCase> {};

TEST_P(SchemeTest, HasItsTheoreticalSpread) {
  TensorRequest request =
      Request({200, 300}, GetParam().activation, GetParam().scheme);
  request.tensor.parameters = GetParam().parameters;
  const TensorPlan plan = Plan(request);
  EXPECT_EQ(plan.fan_in, 300);
  EXPECT_EQ(plan.fan_out, 200);
  EXPECT_NEAR(plan.stddev, GetParam().stddev, 1e-12);
  EXPECT_NEAR(plan.mean, 0, 1e-12);
  ASSERT_EQ(plan.high.has_value(), GetParam().bound.has_value());
  if (plan.high.has_value()) {
    EXPECT_NEAR(*plan.high, *GetParam().bound, 1e-12);
    EXPECT_NEAR(*plan.low, -*GetParam().bound, 1e-12);
  }
  ASSERT_EQ(plan.gain.has_value(), GetParam().gain.has_value());
  if (plan.gain.has_value()) {
    EXPECT_NEAR(*plan.gain, *GetParam().gain, 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllSchemes, SchemeTest,
    testing::Values(
        SchemeCase{Scheme::kXavierUniform,
                   Activation::kTanh,
                   {},
                   std::sqrt(2.0 / 500),
                   std::sqrt(6.0 / 500),
                   1.0},
        SchemeCase{Scheme::kXavierNormal,
                   Activation::kTanh,
                   With([](SchemeParameters& p) { p.gain = 5.0 / 3; }),
                   5.0 / 3 * std::sqrt(2.0 / 500),
                   {},
                   5.0 / 3},
        SchemeCase{Scheme::kHeUniform,
                   Activation::kRelu,
                   {},
                   std::sqrt(2.0 / 300),
                   std::sqrt(6.0 / 300),
                   std::sqrt(2.0)},
        SchemeCase{
            Scheme::kHeNormal,
            Activation::kRelu,
            With([](SchemeParameters& p) { p.fan_mode = FanMode::kOut; }),
            std::sqrt(2.0 / 200),
            {},
            std::sqrt(2.0)},
        SchemeCase{Scheme::kHeNormal,
                   Activation::kLeakyRelu,
                   {},
                   std::sqrt(2.0 / 1.0001 / 300),
                   {},
                   std::sqrt(2.0 / 1.0001)},
        SchemeCase{Scheme::kHeNormal,
                   Activation::kLeakyRelu,
                   With([](SchemeParameters& p) { p.negative_slope = 0.2; }),
                   std::sqrt(2.0 / 1.04 / 300),
                   {},
                   std::sqrt(2.0 / 1.04)},
        SchemeCase{Scheme::kHeNormal,
                   Activation::kPrelu,
                   {},
                   std::sqrt(2.0 / 1.0625 / 300),
                   {},
                   std::sqrt(2.0 / 1.0625)},
        SchemeCase{Scheme::kLecunUniform,
                   Activation::kSelu,
                   {},
                   std::sqrt(1.0 / 300),
                   std::sqrt(3.0 / 300),
                   1.0},
        SchemeCase{Scheme::kLecunNormal,
                   Activation::kSelu,
                   {},
                   std::sqrt(1.0 / 300),
                   {},
                   1.0},
        // Rescaled, so that the delivered variance is scale / fan.
        SchemeCase{Scheme::kVarianceScaling,
                   Activation::kLinear,
                   {},
                   std::sqrt(1.0 / 300),
                   2 * std::sqrt(1.0 / 300) / 0.87962566103423978,
                   1.0},
        SchemeCase{Scheme::kVarianceScaling, Activation::kLinear,
                   With([](SchemeParameters& p) {
                     p.scale = 2;
                     p.fan_mode = FanMode::kAverage;
                     p.distribution = Distribution::kUniform;
                   }),
                   std::sqrt(2.0 / 250), std::sqrt(6.0 / 250), std::sqrt(2.0)},
        SchemeCase{Scheme::kVarianceScaling,
                   Activation::kLinear,
                   With([](SchemeParameters& p) {
                     p.fan_mode = FanMode::kGeometric;
                     p.distribution = Distribution::kNormal;
                   }),
                   std::sqrt(1.0 / std::sqrt(300.0 * 200.0)),
                   {},
                   1.0},
        SchemeCase{
            Scheme::kVariancePreservingNormal,
            Activation::kRelu,
            With([](SchemeParameters& p) { p.fan_mode = FanMode::kOut; }),
            std::sqrt(2.0 / 200),
            {},
            std::sqrt(2.0)},
        SchemeCase{Scheme::kVariancePreservingUniform, Activation::kPrelu,
                   With([](SchemeParameters& p) { p.negative_slope = 0.2; }),
                   std::sqrt(2.0 / 1.04 / 300), std::sqrt(6.0 / 1.04 / 300),
                   std::sqrt(2.0 / 1.04)},
        SchemeCase{Scheme::kTruncatedNormal,
                   Activation::kLinear,
                   {},
                   0.87962566103423978,
                   2.0,
                   {}},
        SchemeCase{Scheme::kUniform,
                   Activation::kLinear,
                   With([](SchemeParameters& p) { p.low = -1; }),
                   std::sqrt(1.0 / 3),
                   1.0,
                   {}},
        SchemeCase{Scheme::kNormal,
                   Activation::kLinear,
                   With([](SchemeParameters& p) { p.stddev = 0.02; }),
                   0.02,
                   {},
                   {}},
        SchemeCase{Scheme::kZeros, Activation::kLinear, {}, 0, 0.0, {}}));

TEST(TheoryTest, OfATruncatedNormalAboveTheMean) {
  TensorRequest request = Request({8, 4}, {}, Scheme::kTruncatedNormal);
  request.tensor.parameters.mean = 10;
  request.tensor.parameters.stddev = 2;
  request.tensor.parameters.low = 1;
  request.tensor.parameters.high = 3;
  const TensorPlan plan = Plan(request);
  // scipy.stats.truncnorm(1, 3, 10, 2): mean and std.
  EXPECT_NEAR(plan.mean, 13.02009902648797, 1e-9);
  EXPECT_NEAR(plan.stddev, 0.8329535519442137, 1e-9);
  EXPECT_EQ(plan.low, 12);
  EXPECT_EQ(plan.high, 16);
}

TEST(ExplicitFansTest, GiveAVectorAFanScheme) {
  TensorRequest request = Request({64}, Activation::kRelu, Scheme::kHeNormal);
  request.tensor.fan.fan_in = 50;
  EXPECT_NEAR(Plan(request).stddev, 0.2, 1e-12);
}

TEST(EmptyTensorTest, HasFansOfZeroAndNoInfinity) {
  const TensorPlan plan = Plan(Request({5, 0}, Activation::kRelu));
  EXPECT_EQ(plan.fan_in, 0);
  EXPECT_TRUE(std::isfinite(plan.stddev));
  EXPECT_EQ(plan.elements, 0);
}

}  // namespace
}  // namespace weightinit
