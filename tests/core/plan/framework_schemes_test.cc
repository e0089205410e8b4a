// The names that frameworks have for schemes.

#include "weightinit/core/framework_schemes.h"

#include <set>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"

namespace weightinit {
namespace {

TEST(FrameworkSchemesTest, NamesAreQualifiedAndOfOneSchemeEach) {
  std::set<std::string_view> names;
  for (const FrameworkScheme& scheme : AllFrameworkSchemes()) {
    EXPECT_TRUE(names.insert(scheme.name).second) << scheme.name;
    EXPECT_NE(scheme.name.find('.'), std::string_view::npos);
    EXPECT_EQ(FindFrameworkScheme(scheme.name), &scheme);
    EXPECT_EQ(FindFrameworkScheme(std::string(scheme.name) + "_"), &scheme);
    EXPECT_TRUE(IsNamed(scheme.scheme));
  }
  EXPECT_EQ(FindFrameworkScheme("KERAS.He_Normal")->scheme,
            Scheme::kVarianceScaling);
  EXPECT_EQ(FindFrameworkScheme("he_normal"), nullptr);
  EXPECT_EQ(FindFrameworkScheme(""), nullptr);
}

// The distribution that a scheme with its defaults has.
TensorPlan PlanOf(Scheme scheme, const SchemeParameters& parameters) {
  TensorRequest request;
  request.tensor.shape = {6, 4};
  request.tensor.scheme = scheme;
  request.tensor.parameters = parameters;
  return Resolve(request).value();
}

TEST(FrameworkSchemesTest, BareAliasesAreOfSchemesThatAllFrameworksAgreeOn) {
  // Names of ours are ours; other names of a scheme may not be of another
  // distribution in a framework.
  int compared = 0;
  for (const Named<Scheme>& named : AllNamed<Scheme>()) {
    for (const std::string_view alias : AliasesOf(named.value)) {
      for (const FrameworkScheme& scheme : AllFrameworkSchemes()) {
        if (scheme.name.substr(scheme.name.find('.') + 1) != alias) continue;
        const TensorPlan ours = PlanOf(named.value, SchemeParameters());
        const TensorPlan theirs =
            PlanOf(scheme.scheme, scheme.Fill(SchemeParameters()));
        EXPECT_EQ(ours.structure, theirs.structure) << scheme.name;
        EXPECT_EQ(ours.parameters.distribution, theirs.parameters.distribution)
            << scheme.name;
        EXPECT_EQ(ours.stddev, theirs.stddev) << scheme.name;
        EXPECT_EQ(ours.low, theirs.low) << scheme.name;
        EXPECT_EQ(ours.high, theirs.high) << scheme.name;
        ++compared;
      }
    }
  }
  EXPECT_GE(compared, 5);
}

TEST(FrameworkSchemesTest, WhatIsGivenComesBeforeTheDefaults) {
  SchemeParameters given;
  given.stddev = 0.5;
  const SchemeParameters filled =
      FindFrameworkScheme("keras.random_normal")->Fill(given);
  EXPECT_EQ(filled.stddev, 0.5);
  EXPECT_EQ(filled.mean, 0);
  EXPECT_EQ(FindFrameworkScheme("jax.glorot_normal")
                ->Fill(SchemeParameters())
                .fan_mode,
            FanMode::kAverage);
}

TEST(FrameworkSchemesTest, BoundsInUnitsOfTheValueAreThoseOfTheRequest) {
  TensorRequest request;
  request.tensor.shape = {4};
  request.tensor.scheme = Scheme::kTruncatedNormal;
  SchemeParameters given;
  given.mean = 1;
  given.stddev = 0.5;
  request.tensor.parameters =
      FindFrameworkScheme("torch.trunc_normal")->Fill(given);
  const TensorPlan plan = Resolve(request).value();
  EXPECT_DOUBLE_EQ(*plan.low, -2);
  EXPECT_DOUBLE_EQ(*plan.high, 2);
  given.stddev = 0;
  EXPECT_EQ(FindFrameworkScheme("torch.trunc_normal")->Fill(given).low, -2);
}

TEST(FrameworkSchemesTest, HintsNameTheFrameworks) {
  EXPECT_EQ(FrameworkHint("kaiming_normal_"),
            ", or of a framework: torch.kaiming_normal, jax.kaiming_normal");
  EXPECT_EQ(FrameworkHint("nothing"), "");
}

}  // namespace
}  // namespace weightinit
