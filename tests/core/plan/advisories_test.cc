// When there is an advisory, and what it says. That the depths are those of
// networks is tests/python/test_depth_advisories.py's to check.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TensorRequest Request(std::vector<int64_t> shape, Activation activation,
                      Scheme scheme = Scheme::kUnspecified) {
  TensorRequest request;
  request.tensor.name = "w";
  request.tensor.shape = std::move(shape);
  request.tensor.activation = activation;
  request.tensor.scheme = scheme;
  return request;
}

TensorRequest Normal(std::vector<int64_t> shape, Activation activation,
                     double stddev) {
  TensorRequest request =
      Request(std::move(shape), activation, Scheme::kNormal);
  request.tensor.parameters.stddev = stddev;
  return request;
}

std::vector<Advisory> AdvisoriesOf(const TensorRequest& request) {
  const auto plan = Resolve(request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? plan->advisories : std::vector<Advisory>();
}

std::vector<AdvisoryCode> Codes(const TensorRequest& request) {
  std::vector<AdvisoryCode> codes;
  for (const Advisory& advisory : AdvisoriesOf(request)) {
    EXPECT_FALSE(advisory.message.empty());
    codes.push_back(advisory.code);
  }
  return codes;
}

// The message of the only advisory.
std::string Message(const TensorRequest& request) {
  const std::vector<Advisory> advisories = AdvisoriesOf(request);
  EXPECT_EQ(advisories.size(), 1U);
  return advisories.size() == 1 ? advisories[0].message : "";
}

TEST(AdvisoryTest, NoneForARecommendedSchemeThatKeepsTheSignal) {
  for (const auto& named : AllNamed<Activation>()) {
    if (named.value == Activation::kGelu || named.value == Activation::kSwish) {
      continue;
    }
    EXPECT_THAT(Codes(Request({64, 32}, named.value)), IsEmpty()) << named.name;
    EXPECT_THAT(Codes(Request({64, 4096}, named.value)), IsEmpty());
  }
  TensorRequest bias = Request({64}, Activation::kRelu);
  bias.tensor.name = "fc.bias";
  EXPECT_THAT(Codes(bias), IsEmpty());
}

TEST(AdvisoryTest, ARecommendedSchemeThatFadesGetsANote) {
  for (const Scheme scheme : {Scheme::kHeNormal, Scheme::kHeUniform}) {
    for (const Activation activation :
         {Activation::kGelu, Activation::kSwish}) {
      EXPECT_THAT(Codes(Request({64, 32}, activation, scheme)),
                  ElementsAre(AdvisoryCode::kFadesInDepth));
    }
  }
  EXPECT_EQ(Message(Request({256, 256}, Activation::kGelu)),
            "he_normal before gelu, as recommended, fades in depth: in a stack "
            "of such layers without normalisation, the first multiplies the "
            "variance of the signal by 0.85, and after 12 layers its RMS is "
            "below a tenth; take variance_preserving_normal (stddev 0.0958457) "
            "where layers are many");
  EXPECT_THAT(Message(Request({256, 256}, Activation::kSwish)),
              HasSubstr("by 0.712, and after 9 layers"));
  // The same distribution by another name.
  EXPECT_THAT(Codes(Normal({256, 256}, Activation::kGelu, 0.0884)),
              ElementsAre(AdvisoryCode::kFadesInDepth));
}

TEST(AdvisoryTest, VariancePreservingSchemesGetNone) {
  for (const auto& named : AllNamed<Activation>()) {
    if (named.value == Activation::kSoftmax) continue;
    for (const Scheme scheme : {Scheme::kVariancePreservingUniform,
                                Scheme::kVariancePreservingNormal}) {
      EXPECT_THAT(Codes(Request({300, 200}, named.value, scheme)), IsEmpty())
          << named.name;
    }
  }
}

TEST(AdvisoryTest, XavierBeforeRectifiedUnits) {
  EXPECT_EQ(
      Message(Request({64, 32}, Activation::kRelu, Scheme::kXavierUniform)),
      "xavier_uniform before relu: in a stack of such layers without "
      "normalisation, the first multiplies the variance of the signal by "
      "0.5, and after 7 layers its RMS is below a tenth; take he_normal "
      "(stddev 0.25)");
  for (const Activation activation :
       {Activation::kRelu, Activation::kLeakyRelu, Activation::kPrelu,
        Activation::kGelu, Activation::kSwish, Activation::kMish}) {
    EXPECT_THAT(Codes(Request({64, 32}, activation, Scheme::kXavierNormal)),
                ElementsAre(AdvisoryCode::kXavierWithRelu))
        << NameOf(activation);
  }
  // What is recommended before GELU fades too.
  EXPECT_THAT(
      Message(Request({64, 32}, Activation::kGelu, Scheme::kXavierNormal)),
      HasSubstr("take variance_preserving_normal"));
}

TEST(AdvisoryTest, XavierWithTheGainOfReluKeepsTheSignal) {
  TensorRequest request =
      Request({64, 32}, Activation::kRelu, Scheme::kXavierNormal);
  request.tensor.parameters.gain = 1.4142135623730951;
  EXPECT_THAT(Codes(request), IsEmpty());
  request.tensor.parameters.gain = 3;
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kStddevTooHigh));
  // ELU passes small signals on whole: off by 10 after 26 layers.
  EXPECT_THAT(Codes(Request({64, 32}, Activation::kElu, Scheme::kXavierNormal)),
              IsEmpty());
}

TEST(AdvisoryTest, HeBeforeSaturatingUnits) {
  for (const Activation activation :
       {Activation::kSigmoid, Activation::kTanh, Activation::kSoftmax}) {
    EXPECT_THAT(Codes(Request({64, 32}, activation, Scheme::kHeNormal)),
                ElementsAre(AdvisoryCode::kHeWithSaturating));
  }
}

TEST(AdvisoryTest, AStddevThatVanishesOrExplodesWithinTwentyLayers) {
  EXPECT_EQ(Message(Normal({512, 256}, Activation::kRelu, 0.01)),
            "stddev 0.01 of normal before relu: in a stack of such layers "
            "without normalisation, the first multiplies the variance of the "
            "signal by 0.0128, and after 2 layers its RMS is below a tenth: "
            "signals may vanish; take he_normal (stddev 0.0883883)");
  EXPECT_EQ(Message(Normal({512, 256}, Activation::kRelu, 0.15)),
            "stddev 0.15 of normal before relu: in a stack of such layers "
            "without normalisation, the first multiplies the variance of the "
            "signal by 2.88, and after 5 layers its RMS is 10 times as large: "
            "signals may explode; take he_normal (stddev 0.0883883)");
  EXPECT_THAT(Message(Normal({256, 256}, Activation::kSigmoid, 0.01)),
              HasSubstr("after 1 layer its RMS is below a tenth"));
  // Whatever it is that a double can hold.
  EXPECT_THAT(Message(Normal({256, 256}, Activation::kGelu, 1e-163)),
              Not(HasSubstr("nan")));
  // 0.8 in each layer.
  EXPECT_THAT(Codes(Normal({64, 200}, Activation::kRelu, 0.0895)), IsEmpty());
  // 0.78.
  EXPECT_THAT(Codes(Normal({64, 200}, Activation::kRelu, 0.0883)),
              ElementsAre(AdvisoryCode::kStddevTooLow));
  EXPECT_THAT(Codes(Normal({64, 200}, Activation::kRelu, 0.112)), IsEmpty());
  EXPECT_THAT(Codes(Normal({64, 200}, Activation::kRelu, 0.113)),
              ElementsAre(AdvisoryCode::kStddevTooHigh));
}

TEST(AdvisoryTest, UniformAndTruncatedBoundsCountByTheirStddev) {
  TensorRequest request =
      Request({64, 200}, Activation::kRelu, Scheme::kUniform);
  request.tensor.parameters.low = -0.15;
  request.tensor.parameters.high = 0.15;
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kStddevTooLow));
  request.tensor.parameters.low = -0.17;
  request.tensor.parameters.high = 0.17;
  EXPECT_THAT(Codes(request), IsEmpty());
  request = Normal({64, 200}, Activation::kRelu, 0.1);
  request.tensor.scheme = Scheme::kTruncatedNormal;
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kStddevTooLow));
  request.tensor.parameters.stddev = 0.1 / 0.87962566103423978;
  EXPECT_THAT(Codes(request), IsEmpty());
}

TEST(AdvisoryTest, SchemesWithAGainAreJudgedByIt) {
  EXPECT_THAT(Codes(Request({64, 32}, Activation::kRelu, Scheme::kLecunNormal)),
              ElementsAre(AdvisoryCode::kStddevTooLow));
  TensorRequest request =
      Request({64, 32}, Activation::kRelu, Scheme::kOrthogonal);
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kStddevTooLow));
  EXPECT_THAT(Message(request), HasSubstr("by 0.5, and after 7 layers"));
  request.tensor.parameters.gain = 1.4142135623730951;
  EXPECT_THAT(Codes(request), IsEmpty());
  // The slope that the request says, not that of the activation.
  request = Request({64, 32}, Activation::kLeakyRelu, Scheme::kHeNormal);
  request.tensor.parameters.negative_slope = 1;
  EXPECT_THAT(Codes(request), IsEmpty());
}

TEST(AdvisoryTest, NoneForTheShapesOfOrdinaryLayers) {
  for (const auto& shape : std::vector<std::vector<int64_t>>{
           {1024, 4096}, {4096, 1024}, {50000, 768}, {10, 64}, {1, 2048}}) {
    EXPECT_THAT(Codes(Request(shape, Activation::kLinear)), IsEmpty());
    EXPECT_THAT(Codes(Request(shape, Activation::kTanh)), IsEmpty());
    EXPECT_THAT(Codes(Request(shape, Activation::kSigmoid)), IsEmpty());
    TensorRequest request =
        Request(shape, Activation::kRelu, Scheme::kHeNormal);
    request.tensor.parameters.fan_mode = FanMode::kOut;
    EXPECT_THAT(Codes(request), IsEmpty());
    request = Request(shape, Activation::kTanh, Scheme::kOrthogonal);
    EXPECT_THAT(Codes(request), IsEmpty());
  }
  // A transformer's matrices, whose activation is not said.
  for (const Activation activation :
       {Activation::kUnspecified, Activation::kLinear}) {
    EXPECT_THAT(Codes(Normal({50257, 768}, activation, 0.02)), IsEmpty());
    EXPECT_THAT(Codes(Normal({768, 768}, activation, 0.02)), IsEmpty());
  }
}

TEST(AdvisoryTest, LinearAndSoftmaxAreHeldAgainstTheRecommendedStddev) {
  // Recommended for both: sqrt(2 / 200).
  for (const Activation activation :
       {Activation::kLinear, Activation::kUnspecified, Activation::kSoftmax}) {
    EXPECT_THAT(Codes(Normal({80, 120}, activation, 1.01)),
                ElementsAre(AdvisoryCode::kStddevTooHigh));
    EXPECT_THAT(Codes(Normal({80, 120}, activation, 0.99)), IsEmpty());
    EXPECT_THAT(Codes(Normal({80, 120}, activation, 0.0101)), IsEmpty());
    EXPECT_THAT(Codes(Normal({80, 120}, activation, 0.0099)),
                ElementsAre(AdvisoryCode::kStddevTooLow));
  }
}

TEST(AdvisoryTest, WeightsWithAMeanAreHeldAgainstTheRecommendedStddev) {
  TensorRequest request = Normal({64, 200}, Activation::kRelu, 0.05);
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kStddevTooLow));
  request.tensor.parameters.mean = 0.01;
  EXPECT_THAT(Codes(request), IsEmpty());
  request.tensor.parameters.stddev = 0.0099;
  EXPECT_THAT(Message(request), HasSubstr("times the 0.1 of he_normal"));
}

TEST(AdvisoryTest, MatricesWithoutAVarianceOfTheirOwnAreNotJudged) {
  EXPECT_THAT(Codes(Request({64, 64}, Activation::kRelu, Scheme::kIdentity)),
              IsEmpty());
  EXPECT_THAT(Codes(Request({64, 64, 3}, Activation::kRelu, Scheme::kDirac)),
              IsEmpty());
  TensorRequest request = Request({64, 64}, Activation::kRelu, Scheme::kSparse);
  request.tensor.parameters.sparsity = 0.9;
  EXPECT_THAT(Codes(request), IsEmpty());
  EXPECT_THAT(Codes(Normal({64, 0}, Activation::kRelu, 0.001)), IsEmpty());
  EXPECT_THAT(Codes(Normal({64}, Activation::kRelu, 0.001)), IsEmpty());
}

TEST(AdvisoryTest, EqualValuesInAMatrixDoNotBreakSymmetry) {
  EXPECT_THAT(Codes(Request({64, 32}, {}, Scheme::kZeros)),
              ElementsAre(AdvisoryCode::kSymmetryNotBroken));
  EXPECT_THAT(Codes(Request({64, 32}, {}, Scheme::kOnes)),
              ElementsAre(AdvisoryCode::kSymmetryNotBroken));
  EXPECT_THAT(Codes(Normal({64, 32}, {}, 0)),
              ElementsAre(AdvisoryCode::kSymmetryNotBroken));
  EXPECT_THAT(Codes(Request({64}, {}, Scheme::kOnes)), IsEmpty());
}

TEST(AdvisoryTest, ATensorOfLowRankThatIsNoBiasSaysItsRole) {
  TensorRequest request = Request({64}, Activation::kLinear);
  for (const char* name : {"norm.weight", "gamma", "", "bias/scale"}) {
    request.tensor.name = name;
    EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kRoleNotSaid))
        << name;
  }
  for (const char* name :
       {"fc.bias", "norm/beta", "lstm.bias_ih_l0", "fc.Bias", "qkv_bias"}) {
    request.tensor.name = name;
    EXPECT_THAT(Codes(request), IsEmpty()) << name;
  }
  request.tensor.name = "norm.weight";
  request.tensor.scheme = Scheme::kZeros;
  EXPECT_THAT(Codes(request), IsEmpty());
  request.tensor.scheme = Scheme::kUnspecified;
  request.tensor.role = TensorRole::kNormScale;
  EXPECT_THAT(Codes(request), IsEmpty());
  EXPECT_EQ(Resolve(request)->scheme, Scheme::kOnes);
}

TEST(AdvisoryTest, ADrawnMatrixWithoutANameIsToldOf) {
  TensorRequest request = Request({64, 32}, Activation::kRelu);
  request.tensor.name = "";
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kNameEmpty));
  request.tensor.scheme = Scheme::kIdentity;
  EXPECT_THAT(Codes(request), IsEmpty());
}

TEST(AdvisoryTest, AScaleOfHigherRankBreaksNoSymmetry) {
  TensorRequest request = Request({64, 1}, Activation::kLinear);
  request.tensor.role = TensorRole::kNormScale;
  EXPECT_THAT(Codes(request), IsEmpty());
  request.tensor.role = TensorRole::kWeight;
  request.tensor.scheme = Scheme::kOnes;
  EXPECT_THAT(Codes(request), ElementsAre(AdvisoryCode::kSymmetryNotBroken));
}

TEST(TensorRoleTest, ChoosesTheSchemeUnlessOneIsNamed) {
  TensorRequest request = Request({64}, Activation::kRelu);
  request.tensor.fan.fan_in = 10;
  const auto scheme = [&](TensorRole role) {
    request.tensor.role = role;
    return Resolve(request)->scheme;
  };
  EXPECT_EQ(scheme(TensorRole::kWeight), Scheme::kHeNormal);
  EXPECT_EQ(scheme(TensorRole::kBias), Scheme::kZeros);
  EXPECT_EQ(scheme(TensorRole::kEmbedding), Scheme::kNormal);
  EXPECT_EQ(scheme(TensorRole::kRunningMean), Scheme::kZeros);
  EXPECT_EQ(scheme(TensorRole::kRunningVariance), Scheme::kOnes);
  request.tensor.scheme = Scheme::kUniform;
  EXPECT_EQ(scheme(TensorRole::kBias), Scheme::kUniform);
  request.tensor.role = static_cast<TensorRole>(7);
  const auto violations = GetViolations(Resolve(request).status());
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].field, "tensor.role");
}

}  // namespace
}  // namespace weightinit
