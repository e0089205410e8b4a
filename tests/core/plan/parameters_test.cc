// Which parameters there are, and which scheme takes which.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/catalogue.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const Violation& violation : GetViolations(status)) {
    fields.push_back(violation.field);
  }
  return fields;
}

// Which scheme takes which parameter: all others are refused.
TEST(ParametersNotTakenTest, AreRefusedByEverySchemeButTheirOwn) {
  struct Rule {
    const char* field;
    void (*set)(SchemeParameters&);
    std::vector<Scheme> takers;
  };
  const Rule rules[] = {
      {"gain",
       [](SchemeParameters& p) { p.gain = 1; },
       {Scheme::kXavierUniform, Scheme::kXavierNormal, Scheme::kIdentity,
        Scheme::kOrthogonal, Scheme::kDeltaOrthogonal}},
      {"negative_slope",
       [](SchemeParameters& p) { p.negative_slope = 0.1; },
       {Scheme::kHeUniform, Scheme::kHeNormal,
        Scheme::kVariancePreservingUniform, Scheme::kVariancePreservingNormal}},
      {"mean",
       [](SchemeParameters& p) { p.mean = 0; },
       {Scheme::kNormal, Scheme::kTruncatedNormal}},
      {"stddev",
       [](SchemeParameters& p) { p.stddev = 1; },
       {Scheme::kNormal, Scheme::kTruncatedNormal, Scheme::kSparse}},
      {"low",
       [](SchemeParameters& p) { p.low = 0.01; },
       {Scheme::kUniform, Scheme::kTruncatedNormal, Scheme::kLogOfUniform,
        Scheme::kInverseSoftplus}},
      {"high",
       [](SchemeParameters& p) { p.high = 2; },
       {Scheme::kUniform, Scheme::kTruncatedNormal, Scheme::kLogOfUniform,
        Scheme::kInverseSoftplus}},
      {"value", [](SchemeParameters& p) { p.value = 1; }, {Scheme::kConstant}},
      {"scale",
       [](SchemeParameters& p) { p.scale = 1; },
       {Scheme::kVarianceScaling}},
      {"sparsity",
       [](SchemeParameters& p) { p.sparsity = 0.5; },
       {Scheme::kSparse}},
      {"fan_mode",
       [](SchemeParameters& p) { p.fan_mode = FanMode::kOut; },
       {Scheme::kHeUniform, Scheme::kHeNormal, Scheme::kVarianceScaling,
        Scheme::kVariancePreservingUniform, Scheme::kVariancePreservingNormal}},
      {"distribution",
       [](SchemeParameters& p) { p.distribution = Distribution::kNormal; },
       {Scheme::kVarianceScaling}},
  };
  for (const Named<Scheme>& scheme : AllNamed<Scheme>()) {
    for (const Rule& rule : rules) {
      TensorRequest request;
      request.tensor.shape = {8, 4};
      if (scheme.value == Scheme::kDirac ||
          scheme.value == Scheme::kDeltaOrthogonal) {
        request.tensor.shape = {8, 4, 3};
      }
      // Some schemes have a slope of this activation only.
      request.tensor.activation = Activation::kLeakyRelu;
      request.tensor.scheme = scheme.value;
      if (request.tensor.scheme == Scheme::kConstant) {
        request.tensor.parameters.value = 1;
      }
      if (request.tensor.scheme == Scheme::kSparse) {
        request.tensor.parameters.sparsity = 0.1;
      }
      rule.set(request.tensor.parameters);
      const bool taken = std::find(rule.takers.begin(), rule.takers.end(),
                                   request.tensor.scheme) != rule.takers.end();
      const absl::Status status = Resolve(request).status();
      if (taken) {
        EXPECT_TRUE(status.ok()) << scheme.name << " " << rule.field << status;
      } else {
        EXPECT_THAT(Fields(status),
                    ElementsAre(std::string("tensor.parameters.") + rule.field))
            << scheme.name << " " << status;
      }
    }
  }
}

TEST(ParametersNotTakenTest, AreRefusedByTheSchemeOfABias) {
  TensorRequest request;
  request.tensor.shape = {8};
  request.tensor.activation = Activation::kTanh;
  request.tensor.parameters.gain = 2;
  EXPECT_THAT(Fields(Resolve(request).status()),
              ElementsAre("tensor.parameters.gain"));
}

const ParameterInfo& Info(const std::string& name) {
  const auto& all = AllParameters();
  const auto found = std::find_if(
      all.begin(), all.end(),
      [&](const ParameterInfo& info) { return info.name == name; });
  EXPECT_NE(found, all.end()) << name;
  return *found;
}

TEST(AllParametersTest, TellTheDefaultInEachScheme) {
  const auto& uses = Info("low").uses;
  ASSERT_EQ(uses.size(), 4U);
  EXPECT_EQ(uses[0].scheme, Scheme::kUniform);
  EXPECT_EQ(uses[0].default_value, "0");
  EXPECT_EQ(uses[1].scheme, Scheme::kTruncatedNormal);
  EXPECT_EQ(uses[1].default_value, "-2");
  EXPECT_EQ(Info("value").uses.at(0).default_value, "");
  EXPECT_EQ(Info("negative_slope").uses.at(0).default_value,
            "that of the activation");
  EXPECT_EQ(Info("fan_mode").uses.at(0).default_value, "in");
  EXPECT_EQ(Info("distribution").uses.at(0).default_value, "truncated_normal");
}

TEST(AllParametersTest, TellTheRange) {
  EXPECT_EQ(Info("gain").range, "above 0");
  EXPECT_EQ(Info("stddev").range, "at least 0");
  EXPECT_EQ(Info("sparsity").range, "from 0 to 1");
  EXPECT_EQ(Info("mean").range, "any");
}

TEST(AllParametersTest, TellWhatMayBeChosen) {
  EXPECT_THAT(Info("gain").choices, IsEmpty());
  EXPECT_THAT(Info("fan_mode").choices,
              ElementsAre("in", "out", "average", "geometric"));
  EXPECT_THAT(Info("distribution").choices,
              ElementsAre("uniform", "normal", "truncated_normal"));
}

const SchemeInfo& Info(Scheme scheme) {
  return AllSchemes().at(static_cast<size_t>(scheme) - 1);
}

TEST(AllSchemesTest, TellWhatARequestCanSay) {
  EXPECT_EQ(AllSchemes().size(), AllNamed<Scheme>().size());
  for (const SchemeInfo& info : AllSchemes()) {
    EXPECT_EQ(Info(info.scheme).scheme, info.scheme);
    EXPECT_FALSE(info.formula.empty());
    for (const std::string_view alias : info.aliases) {
      EXPECT_EQ(Parse<Scheme>(alias), info.scheme);
    }
  }
  const SchemeInfo& sparse = Info(Scheme::kSparse);
  ASSERT_EQ(sparse.parameters.size(), 2U);
  EXPECT_EQ(sparse.parameters[0].parameter->name, "stddev");
  EXPECT_EQ(sparse.parameters[0].default_value, "0.01");
  EXPECT_EQ(sparse.parameters[1].parameter->name, "sparsity");
  EXPECT_EQ(sparse.parameters[1].default_value, "");
  EXPECT_EQ(sparse.tensors, "rank 2, without groups");
  EXPECT_EQ(sparse.cheap_slices, "those that take part of the columns");
  EXPECT_THAT(Info(Scheme::kIdentity).aliases, ElementsAre("eye"));
  EXPECT_EQ(Info(Scheme::kDirac).tensors, "rank from 3 to 5");
  EXPECT_EQ(Info(Scheme::kNormal).tensors, "any");
}

}  // namespace
}  // namespace weightinit
