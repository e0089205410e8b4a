// Names, defaults, rules, expressions, selection, fingerprint. What each layer
// has is in layers_test.cc, bad requests are in model_violations_test.cc.

#include "weightinit/core/model_plan.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/model/model_builder.h"
#include "weightinit/core/model.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ModelRule Rule(std::string match, Scheme scheme) {
  ModelRule rule;
  rule.match = std::move(match);
  rule.scheme = scheme;
  return rule;
}

DenseLayer Dense(int64_t in, int64_t out) {
  DenseLayer layer;
  layer.in_features = in;
  layer.out_features = out;
  return layer;
}

// Two blocks of two dense layers, and a head.
ModelRequest Stack() {
  BlockEntry block;
  block.entries = {Entry("fc1", Dense(4, 8)), Entry("fc2", Dense(8, 4))};
  return Model(
      {Repeated(Entry("h.{i}", block), "i", 2), Entry("head", Dense(4, 3))});
}

TEST(ModelPlanTest, BlocksRepeatTheirEntriesUnderTheirNames) {
  EXPECT_THAT(NamesOf(Stack()),
              ElementsAre("h.0.fc1.weight", "h.0.fc1.bias", "h.0.fc2.weight",
                          "h.0.fc2.bias", "h.1.fc1.weight", "h.1.fc1.bias",
                          "h.1.fc2.weight", "h.1.fc2.bias", "head.weight",
                          "head.bias"));
}

TEST(ModelPlanTest, OfSeveralIndicesTheLastIsTheFastest) {
  ModelEntry entry = Tensor("w.{i}.{j}", {1});
  entry = Repeated(Repeated(entry, "i", 2), "j", 2, 5);
  EXPECT_THAT(NamesOf(Model({entry})),
              ElementsAre("w.0.5", "w.0.6", "w.1.5", "w.1.6"));
}

TEST(ModelPlanTest, ATensorIsTheSameAsByItself) {
  TensorRequest single;
  single.seed = 42;
  single.tensor.name = "h.1.fc2.weight";
  single.tensor.shape = {4, 8};
  const auto plan = Resolve(single);
  ASSERT_TRUE(plan.ok());
  const TensorPlan in_model = PlansOf(Stack()).at("h.1.fc2.weight");
  EXPECT_EQ(in_model.stream_key.key, plan->stream_key.key);
  EXPECT_EQ(in_model.stream_key.stream, plan->stream_key.stream);
  EXPECT_EQ(in_model.stddev, plan->stddev);
  EXPECT_EQ(in_model.scheme, plan->scheme);
}

TEST(ModelPlanTest, TheNearerDefaultWins) {
  ModelRequest request = Stack();
  ModelSpec& model = request.model;
  model.defaults.dtype = Dtype::kBfloat16;
  model.defaults.activation = Activation::kRelu;
  model.entries[0].defaults.activation = Activation::kTanh;
  auto& block = std::get<BlockEntry>(model.entries[0].kind);
  block.entries[1].defaults.scheme = Scheme::kNormal;
  block.entries[1].defaults.parameters.stddev = 0.5;
  block.entries[1].defaults.dtype = Dtype::kFloat64;
  const auto plans = PlansOf(request);
  EXPECT_EQ(plans.at("head.weight").scheme, Scheme::kHeNormal);
  EXPECT_EQ(plans.at("h.0.fc1.weight").scheme, Scheme::kXavierNormal);
  EXPECT_EQ(plans.at("h.0.fc1.weight").dtype, Dtype::kBfloat16);
  EXPECT_EQ(plans.at("h.1.fc2.weight").stddev, 0.5);
  EXPECT_EQ(plans.at("h.1.fc2.weight").dtype, Dtype::kFloat64);
  EXPECT_EQ(plans.at("h.1.fc2.bias").scheme, Scheme::kZeros);
  EXPECT_EQ(plans.at("h.1.fc2.bias").dtype, Dtype::kFloat64);
}

TEST(ModelPlanTest, ADefaultSchemeIsForWeightsOnly) {
  ModelRequest request = Model(
      {Tensor("weight", {4, 4}), Tensor("bias", {4}), Tensor("scalar", {})});
  request.model.defaults.scheme = Scheme::kUniform;
  const auto plans = PlansOf(request);
  EXPECT_EQ(plans.at("weight").scheme, Scheme::kUniform);
  EXPECT_EQ(plans.at("bias").scheme, Scheme::kZeros);
  EXPECT_EQ(plans.at("scalar").scheme, Scheme::kZeros);
}

TEST(ModelPlanTest, ADefaultActivationIsForWeightsOnly) {
  ModelEntry bias = Tensor("bias", {6}, Scheme::kHeNormal);
  std::get<TensorEntry>(bias.kind).spec.fan.fan_in = 8;
  ModelRequest request = Model({bias});
  request.model.defaults.activation = Activation::kLeakyRelu;
  EXPECT_EQ(PlansOf(request).at("bias").activation, Activation::kLinear);
  EXPECT_EQ(PlansOf(request).at("bias").stddev, 0.5);
}

TEST(ModelPlanTest, TheLastRuleThatMatchesWins) {
  ModelRequest request = Stack();
  request.model.rules = {Rule("*.weight", Scheme::kNormal),
                         Rule("h.?.fc2.*", Scheme::kOnes),
                         Rule("h.1.*.bias", Scheme::kUniform)};
  request.model.rules[0].parameters.stddev = 0.02;
  std::map<std::string, ModelTensor> tensors;
  for (const ModelTensor& tensor : TensorsOf(request)) {
    tensors.emplace(tensor.plan.name, tensor);
  }
  EXPECT_EQ(tensors.at("head.weight").plan.stddev, 0.02);
  EXPECT_THAT(tensors.at("head.weight").rules, ElementsAre(0));
  EXPECT_EQ(tensors.at("h.0.fc2.weight").plan.scheme, Scheme::kOnes);
  EXPECT_THAT(tensors.at("h.0.fc2.weight").rules, ElementsAre(0, 1));
  EXPECT_EQ(tensors.at("h.1.fc2.bias").plan.scheme, Scheme::kUniform);
  EXPECT_THAT(tensors.at("h.1.fc2.bias").rules, ElementsAre(1, 2));
  EXPECT_THAT(tensors.at("head.bias").rules, IsEmpty());
}

TEST(ModelPlanTest, ARuleWithoutSchemeAddsToWhatIsThere) {
  ModelRequest request = Stack();
  request.model.defaults.scheme = Scheme::kNormal;
  request.model.defaults.parameters.mean = 1;
  request.model.defaults.expressions = {{"stddev", "1/8"}};
  ModelRule rule;
  rule.match = "head.weight";
  rule.parameters.stddev = 0.5;
  rule.dtype = Dtype::kFloat16;
  request.model.rules = {rule};
  const auto plans = PlansOf(request);
  EXPECT_EQ(plans.at("head.weight").stddev, 0.5);
  EXPECT_EQ(plans.at("head.weight").mean, 1.0);
  EXPECT_EQ(plans.at("head.weight").dtype, Dtype::kFloat16);
  EXPECT_EQ(plans.at("h.0.fc1.weight").stddev, 0.125);
}

TEST(ModelPlanTest, ARuleReachesPartsByTheirNamesAndThroughTheWhole) {
  AttentionLayer attention;
  attention.embed_dim = 8;
  attention.num_heads = 2;
  attention.bias = false;
  attention.fused_weight_name = "qkv.weight";
  ModelRequest request = Model({Entry("attn", attention)});
  request.model.rules = {Rule("*.qkv.weight", Scheme::kUniform),
                         Rule("*.v_proj.weight", Scheme::kOnes)};
  const std::vector<ModelTensor> tensors = TensorsOf(request);
  const auto& parts = tensors[0].plan.parts;
  EXPECT_EQ(parts[0].scheme, Scheme::kUniform);
  EXPECT_EQ(parts[1].scheme, Scheme::kUniform);
  EXPECT_EQ(parts[2].scheme, Scheme::kOnes);
  EXPECT_THAT(tensors[0].rules, ElementsAre(0, 1));
}

TEST(ModelPlanTest, ARuleThatMatchesNothingIsAnAdvisory) {
  ModelRequest request = Stack();
  request.model.rules = {Rule("*.weight", Scheme::kOnes),
                         Rule("*.wieght", Scheme::kOnes)};
  const auto plan = PlanOf(request);
  ASSERT_EQ(plan->summary().advisories.size(), 1U);
  EXPECT_EQ(plan->summary().advisories[0].code,
            AdvisoryCode::kRuleMatchesNothing);
  EXPECT_THAT(plan->summary().advisories[0].message,
              testing::HasSubstr("rule 1, \"*.wieght\""));
}

// The codes of the first tensor: GELU after weights of that standard deviation,
// half of them a part of their own.
std::vector<AdvisoryCode> CodesOfFirst(double stddev,
                                       std::vector<ModelEntry> others) {
  ModelEntry entry = Tensor("fused", {256, 128}, Scheme::kNormal);
  TensorSpec& spec = std::get<TensorEntry>(entry.kind).spec;
  spec.activation = Activation::kGelu;
  spec.parameters.stddev = stddev;
  spec.concatenation.parts.resize(2);
  spec.concatenation.parts[0].name = "a";
  spec.concatenation.parts[0].size = 128;
  spec.concatenation.parts[1].name = "b";
  spec.concatenation.parts[1].size = 128;
  others.insert(others.begin(), entry);
  const std::vector<ModelTensor> tensors = TensorsOf(Model(std::move(others)));
  std::vector<AdvisoryCode> codes;
  for (const TensorPlan& part : tensors[0].plan.parts) {
    EXPECT_EQ(part.advisories.size(), tensors[0].plan.advisories.size());
  }
  for (const Advisory& advisory : tensors[0].plan.advisories) {
    codes.push_back(advisory.code);
  }
  return codes;
}

TEST(ModelPlanTest, DepthIsNoReproachWhereTheModelNormalises) {
  const double kRecommended = 0.125;
  EXPECT_THAT(CodesOfFirst(0.02, {}), ElementsAre(AdvisoryCode::kStddevTooLow));
  EXPECT_THAT(CodesOfFirst(kRecommended, {}),
              ElementsAre(AdvisoryCode::kFadesInDepth));
  // Ones that are no scale of a normalisation.
  EXPECT_THAT(CodesOfFirst(0.02, {Tensor("mask", {4, 4}, Scheme::kOnes)}),
              ElementsAre(AdvisoryCode::kStddevTooLow));

  LayerNormLayer norm;
  norm.normalized_shape = {256};
  for (const ModelEntry& other :
       {Entry("norm", norm), Tensor("scale", {256}, Scheme::kOnes)}) {
    EXPECT_THAT(CodesOfFirst(0.02, {other}), IsEmpty());
    EXPECT_THAT(CodesOfFirst(kRecommended, {other}), IsEmpty());
    // More than 10 times off.
    EXPECT_THAT(CodesOfFirst(0.0124, {other}),
                ElementsAre(AdvisoryCode::kStddevTooLow));
  }
}

TEST(ModelPlanTest, ExpressionsUseConstantsAndTheIndexOfTheTensor) {
  ModelRequest request = Stack();
  request.model.constants = {{"layers", 2}};
  ModelRule rule = Rule("h.*.fc1.weight", Scheme::kNormal);
  rule.expressions = {{"stddev", "0.02/sqrt(2*layers)"}};
  request.model.rules = {rule};
  request.model.entries[0].defaults.scheme = Scheme::kNormal;
  request.model.entries[0].defaults.expressions = {{"stddev", "0.1*(i+1)"}};
  const auto plans = PlansOf(request);
  EXPECT_EQ(plans.at("h.0.fc1.weight").stddev, 0.02 / std::sqrt(4.0));
  EXPECT_EQ(plans.at("h.0.fc2.weight").stddev, 0.1);
  EXPECT_EQ(plans.at("h.1.fc2.weight").stddev, 0.2);
}

TEST(ModelPlanTest, AnAliasIsSaidOnceAndDeliversNothing) {
  ModelRequest request =
      Model({Tensor("wte.weight", {10, 4}),
             Entry("lm_head.weight", AliasEntry{"wte.weight"})});
  const auto tensors = TensorsOf(request);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[1].alias_of, "wte.weight");
  const ModelSummary summary = PlanOf(request)->summary();
  EXPECT_EQ(summary.tensors, 2);
  EXPECT_EQ(summary.aliases, 1);
  EXPECT_EQ(summary.parameters, 40);
  EXPECT_EQ(summary.bytes, 160);
}

TEST(ModelPlanTest, OffsetsFollowEachOther) {
  const auto tensors = TensorsOf(Stack());
  int64_t offset = 0;
  for (const ModelTensor& tensor : tensors) {
    EXPECT_EQ(tensor.byte_offset, offset);
    offset += tensor.plan.bytes;
  }
  EXPECT_EQ(PlanOf(Stack())->summary().bytes, offset);
  EXPECT_EQ(PlanOf(Stack())->summary().model_bytes, offset);
}

TEST(ModelPlanTest, OnlyWhatMatchesIsDelivered) {
  ModelRequest request = Stack();
  request.only = {"h.1.*.weight", "head.bias"};
  EXPECT_THAT(NamesOf(request),
              ElementsAre("h.1.fc1.weight", "h.1.fc2.weight", "head.bias"));
  const auto tensors = TensorsOf(request);
  EXPECT_EQ(tensors[0].index, 4);
  EXPECT_EQ(tensors[0].byte_offset, 0);
  const ModelSummary summary = PlanOf(request)->summary();
  EXPECT_EQ(summary.selected_tensors, 3);
  EXPECT_EQ(summary.bytes, 4 * (32 + 32 + 3));
  EXPECT_EQ(summary.parameters, PlanOf(Stack())->summary().parameters);
  EXPECT_EQ(summary.fingerprint, PlanOf(Stack())->summary().fingerprint);
}

TEST(ModelPlanTest, SharesAreThoseOfTorchChunk) {
  ModelRequest request = Model({Tensor("w", {7, 3})});
  const auto rows = [&](int64_t index, int64_t count) {
    TensorSelection selection;
    selection.match = "*";
    selection.shard = Shard{index, count, 0};
    request.selections = {selection};
    const ResolvedRange range = TensorsOf(request)[0].plan.slice[0];
    return std::vector<int64_t>{range.start, range.stop};
  };
  EXPECT_THAT(rows(0, 3), ElementsAre(0, 3));
  EXPECT_THAT(rows(1, 3), ElementsAre(3, 6));
  EXPECT_THAT(rows(2, 3), ElementsAre(6, 7));
  EXPECT_THAT(rows(3, 5), ElementsAre(6, 7));
  EXPECT_THAT(rows(4, 5), ElementsAre(7, 7));
  EXPECT_THAT(rows(0, 1), ElementsAre(0, 7));
  const int64_t most = int64_t{1} << 62;
  EXPECT_THAT(rows(most - 1, most), ElementsAre(7, 7));
}

TEST(ModelPlanTest, TheLastSelectionThatMatchesHolds) {
  ModelRequest request = Stack();
  TensorSelection all;
  all.match = "*.weight";
  all.shard = Shard{1, 2, 0};
  TensorSelection head;
  head.match = "head.weight";
  head.slice = {{0, 1}, {1, std::nullopt}};
  request.selections = {all, head};
  const auto plans = PlansOf(request);
  EXPECT_THAT(plans.at("h.0.fc1.weight").SliceShape(), ElementsAre(4, 4));
  EXPECT_THAT(plans.at("head.weight").SliceShape(), ElementsAre(1, 3));
  EXPECT_THAT(plans.at("head.bias").SliceShape(), ElementsAre(3));
}

TEST(ModelPlanTest, DimensionsBehindTheLastRangeOfASliceAreWhole) {
  ModelRequest request = Stack();
  TensorSelection rows;
  rows.match = "*";
  rows.slice = {{1, 3}};
  request.selections = {rows};
  const auto plans = PlansOf(request);
  EXPECT_THAT(plans.at("h.0.fc1.weight").SliceShape(), ElementsAre(2, 4));
  EXPECT_THAT(plans.at("head.bias").SliceShape(), ElementsAre(2));
}

TEST(ModelPlanTest, ADeliveryMayBeginAndEndInside) {
  ModelRequest request = Stack();
  request.first_tensor = 8;
  request.first_element = 5;
  auto tensors = TensorsOf(request);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].plan.name, "head.weight");
  EXPECT_EQ(tensors[0].plan.first_element, 5);
  EXPECT_EQ(tensors[0].plan.elements, 7);
  EXPECT_EQ(tensors[1].plan.elements, 3);
  EXPECT_EQ(tensors[1].byte_offset, 4 * (4 * (32 + 32 + 8 + 4) / 2 + 12));
  request.tensor_count = 1;
  request.element_count = 2;
  tensors = TensorsOf(request);
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors[0].plan.elements, 2);
  EXPECT_EQ(tensors[0].plan.bytes, 8);
  // The summary is that of the whole, so that it can be compared.
  EXPECT_EQ(PlanOf(request)->summary().bytes, PlanOf(Stack())->summary().bytes);
  request.first_tensor = 10;
  request.first_element = 0;
  request.element_count = std::nullopt;
  EXPECT_THAT(NamesOf(request), IsEmpty());
}

TEST(FingerprintTest, DoesNotDependOnTheOrderOrOnNamesOfBlocks) {
  ModelRequest turned = Model({Tensor("b", {3, 4}), Tensor("a", {2, 2})});
  ModelRequest request = Model({Tensor("a", {2, 2}), Tensor("b", {3, 4})});
  request.model.name = "a name";
  EXPECT_EQ(PlanOf(request)->summary().fingerprint,
            PlanOf(turned)->summary().fingerprint);
}

TEST(FingerprintTest, ChangesWithEverythingThatDecidesABit) {
  const auto of = [](const ModelRequest& request) {
    return PlanOf(request)->summary().fingerprint;
  };
  const ModelRequest request = Model({Tensor("a", {4, 4}), Tensor("b", {3})});
  std::vector<ModelRequest> others(9, request);
  others[0].seed = 43;
  others[1].model.entries[0].name = "c";
  std::get<TensorEntry>(others[2].model.entries[0].kind).spec.shape = {2, 8};
  others[3].model.defaults.dtype = Dtype::kFloat16;
  others[4].model.defaults.layout = Layout::kInOut;
  others[5].model.defaults.activation = Activation::kRelu;
  others[6].model.entries.pop_back();
  others[7].model.entries.push_back(Entry("t", AliasEntry{"a"}));
  others[8].model.entries.push_back(Entry("t", AliasEntry{"b"}));
  std::vector<std::array<uint8_t, 32>> fingerprints = {of(request)};
  for (const ModelRequest& other : others) fingerprints.push_back(of(other));
  for (size_t i = 0; i < fingerprints.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_NE(fingerprints[i], fingerprints[j]) << i << " " << j;
    }
  }
}

TEST(FingerprintTest, DoesNotChangeWithWhatChangesNoBit) {
  // The same distribution by another way, and a buffer instead of a parameter.
  ModelRequest request = Model({Tensor("a", {4, 4}, Scheme::kXavierNormal)});
  ModelRequest other = Model({Tensor("a", {4, 4})});
  std::get<TensorEntry>(other.model.entries[0].kind).buffer = true;
  other.model.rules = {Rule("a", Scheme::kXavierNormal)};
  EXPECT_EQ(PlanOf(request)->summary().fingerprint,
            PlanOf(other)->summary().fingerprint);
}

}  // namespace
}  // namespace weightinit
