// Which tensors each layer has.

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
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;

// "name shape" of each tensor of a layer called "l".
template <typename Layer>
std::vector<std::string> Shapes(const Layer& layer,
                                Layout layout = Layout::kOutIn) {
  ModelRequest request = Model({Entry("l", layer)});
  request.model.defaults.layout = layout;
  std::vector<std::string> texts;
  for (const ModelTensor& tensor : TensorsOf(request)) {
    std::string text = tensor.plan.name;
    for (const int64_t size : tensor.plan.shape) {
      text += " " + std::to_string(size);
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(LayersTest, DenseHasWeightAndBias) {
  DenseLayer layer;
  layer.in_features = 4;
  layer.out_features = 8;
  EXPECT_THAT(Shapes(layer), ElementsAre("l.weight 8 4", "l.bias 8"));
  EXPECT_THAT(Shapes(layer, Layout::kInOut),
              ElementsAre("l.weight 4 8", "l.bias 8"));
  layer.bias = false;
  EXPECT_THAT(Shapes(layer), ElementsAre("l.weight 8 4"));
}

TEST(LayersTest, ConvHasTheKernelAndTheFansOfItsGroups) {
  ConvLayer layer;
  layer.in_channels = 6;
  layer.out_channels = 9;
  layer.kernel_size = {3, 5};
  layer.groups = 3;
  EXPECT_THAT(Shapes(layer), ElementsAre("l.weight 9 2 3 5", "l.bias 9"));
  EXPECT_THAT(Shapes(layer, Layout::kInOut),
              ElementsAre("l.weight 3 5 2 9", "l.bias 9"));
  const auto plans = PlansOf(Model({Entry("l", layer)}));
  EXPECT_EQ(plans.at("l.weight").fan_in, 2 * 15);
  EXPECT_EQ(plans.at("l.weight").fan_out, 3 * 15);
  layer.transposed = true;
  EXPECT_THAT(Shapes(layer), ElementsAre("l.weight 6 3 3 5", "l.bias 9"));
  const auto transposed = PlansOf(Model({Entry("l", layer)}));
  EXPECT_EQ(transposed.at("l.weight").fan_in, 2 * 15);
  EXPECT_EQ(transposed.at("l.weight").fan_out, 3 * 15);
}

TEST(LayersTest, AnEmbeddingHasOneShapeInEveryLayout) {
  EmbeddingLayer layer;
  layer.num_embeddings = 10;
  layer.embedding_dim = 4;
  EXPECT_THAT(Shapes(layer), ElementsAre("l.weight 10 4"));
  EXPECT_THAT(Shapes(layer, Layout::kInOut), ElementsAre("l.weight 10 4"));
  ModelRequest request = Model({Entry("l", layer)});
  EXPECT_EQ(PlansOf(request).at("l.weight").stddev, 1.0);
  request.model.defaults.scheme = Scheme::kNormal;
  request.model.defaults.parameters.stddev = 0.02;
  EXPECT_EQ(PlansOf(request).at("l.weight").stddev, 0.02);
}

TEST(LayersTest, NormsAreOnesAndZerosWhateverTheDefaultsSay) {
  LayerNormLayer layer_norm;
  layer_norm.normalized_shape = {4, 3};
  RmsNormLayer rms_norm;
  rms_norm.normalized_shape = {4};
  ModelRequest request =
      Model({Entry("ln", layer_norm), Entry("rms", rms_norm)});
  request.model.defaults.scheme = Scheme::kNormal;
  const auto plans = PlansOf(request);
  EXPECT_EQ(plans.at("ln.weight").scheme, Scheme::kOnes);
  EXPECT_THAT(plans.at("ln.weight").shape, ElementsAre(4, 3));
  EXPECT_EQ(plans.at("ln.bias").scheme, Scheme::kZeros);
  EXPECT_EQ(plans.at("rms.weight").scheme, Scheme::kOnes);
  layer_norm.bias = false;
  EXPECT_THAT(Shapes(layer_norm), ElementsAre("l.weight 4 3"));
}

TEST(LayersTest, BatchNormHasBuffersThatAreCountedApart) {
  BatchNormLayer layer;
  layer.num_features = 5;
  const ModelRequest request = Model({Entry("bn", layer)});
  const auto tensors = TensorsOf(request);
  ASSERT_EQ(tensors.size(), 4U);
  EXPECT_EQ(tensors[2].plan.name, "bn.running_mean");
  EXPECT_TRUE(tensors[2].buffer);
  EXPECT_EQ(tensors[3].plan.scheme, Scheme::kOnes);
  EXPECT_FALSE(tensors[0].buffer);
  EXPECT_EQ(PlanOf(request)->summary().parameters, 10);
  EXPECT_EQ(PlanOf(request)->summary().buffer_elements, 10);
}

TEST(LayersTest, LoraStartsAsNoChange) {
  LoraLayer layer;
  layer.in_features = 20;
  layer.out_features = 30;
  layer.rank = 4;
  EXPECT_THAT(Shapes(layer),
              ElementsAre("l.lora_A.weight 4 20", "l.lora_B.weight 30 4"));
  const auto plans = PlansOf(Model({Entry("l", layer)}));
  // PEFT: kaiming_uniform_(a=sqrt(5)), whose bound is 1 / sqrt(fan_in).
  EXPECT_EQ(plans.at("l.lora_A.weight").scheme, Scheme::kHeUniform);
  EXPECT_NEAR(*plans.at("l.lora_A.weight").high, 1 / std::sqrt(20.0), 1e-15);
  EXPECT_EQ(plans.at("l.lora_B.weight").scheme, Scheme::kZeros);
}

TEST(LayersTest, AnLstmHasTorchsTensorsAndGatesOfTheirOwnFans) {
  RecurrentLayer layer;
  layer.input_size = 3;
  layer.hidden_size = 5;
  layer.num_layers = 2;
  layer.bidirectional = true;
  EXPECT_THAT(
      Shapes(layer),
      ElementsAre("l.weight_ih_l0 20 3", "l.weight_hh_l0 20 5",
                  "l.bias_ih_l0 20", "l.bias_hh_l0 20",
                  "l.weight_ih_l0_reverse 20 3", "l.weight_hh_l0_reverse 20 5",
                  "l.bias_ih_l0_reverse 20", "l.bias_hh_l0_reverse 20",
                  "l.weight_ih_l1 20 10", "l.weight_hh_l1 20 5",
                  "l.bias_ih_l1 20", "l.bias_hh_l1 20",
                  "l.weight_ih_l1_reverse 20 10", "l.weight_hh_l1_reverse 20 5",
                  "l.bias_ih_l1_reverse 20", "l.bias_hh_l1_reverse 20"));
  layer = RecurrentLayer();
  layer.input_size = 3;
  layer.hidden_size = 5;
  layer.forget_bias = 1;
  ModelRequest request = Model({Entry("l", layer)});
  // Gates are sigmoid and tanh, whatever follows the layer.
  request.model.defaults.activation = Activation::kRelu;
  const auto plans = PlansOf(request);
  const TensorPlan& weight = plans.at("l.weight_ih_l0");
  ASSERT_EQ(weight.parts.size(), 4U);
  EXPECT_EQ(weight.parts[2].name, "l.weight_ih_l0.g");
  EXPECT_EQ(weight.parts[2].activation, Activation::kTanh);
  EXPECT_EQ(weight.parts[2].scheme, Scheme::kXavierNormal);
  EXPECT_EQ(weight.parts[2].fan_out, 5);
  EXPECT_EQ(plans.at("l.bias_ih_l0").parts[1].mean, 1.0);
  EXPECT_EQ(plans.at("l.bias_ih_l0").parts[0].mean, 0.0);
  EXPECT_EQ(plans.at("l.bias_hh_l0").parts[1].mean, 0.0);
}

TEST(LayersTest, AGruHasTheSameGatesInTheOrderOfTheFramework) {
  RecurrentLayer layer;
  layer.cell = RecurrentLayer::Cell::kGru;
  layer.input_size = 3;
  layer.hidden_size = 5;
  const auto gates = [&] {
    std::vector<std::string> names;
    const auto plans = PlansOf(Model({Entry("l", layer)}));
    for (const TensorPlan& part : plans.at("l.weight_hh_l0").parts) {
      names.push_back(part.name);
    }
    return names;
  };
  EXPECT_THAT(gates(), ElementsAre("l.weight_hh_l0.r", "l.weight_hh_l0.z",
                                   "l.weight_hh_l0.n"));
  layer.gate_order = GateOrder::kKeras;
  EXPECT_THAT(gates(), ElementsAre("l.weight_hh_l0.z", "l.weight_hh_l0.r",
                                   "l.weight_hh_l0.n"));
  EXPECT_THAT(Shapes(layer, Layout::kInOut),
              ElementsAre("l.weight_ih_l0 3 15", "l.weight_hh_l0 5 15",
                          "l.bias_ih_l0 15", "l.bias_hh_l0 15"));
}

AttentionLayer GroupedAttention() {
  AttentionLayer layer;
  layer.embed_dim = 16;
  layer.num_heads = 4;
  layer.num_kv_heads = 2;
  layer.bias = false;
  return layer;
}

TEST(LayersTest, AttentionMayGroupQueries) {
  EXPECT_THAT(Shapes(GroupedAttention()),
              ElementsAre("l.q_proj.weight 16 16", "l.k_proj.weight 8 16",
                          "l.v_proj.weight 8 16", "l.o_proj.weight 16 16"));
  AttentionLayer layer = GroupedAttention();
  layer.head_dim = 8;
  layer.output_bias = true;
  layer.output_name = "out";
  EXPECT_THAT(Shapes(layer),
              ElementsAre("l.q_proj.weight 32 16", "l.k_proj.weight 16 16",
                          "l.v_proj.weight 16 16", "l.out.weight 16 32",
                          "l.out.bias 16"));
}

TEST(LayersTest, FusedAttentionIsMadeOfTheSeparateWeights) {
  AttentionLayer layer = GroupedAttention();
  layer.bias = true;
  const auto separate = PlansOf(Model({Entry("l", layer)}));
  layer.fused_weight_name = "c_attn.weight";
  layer.fused_bias_name = "c_attn.bias";
  EXPECT_THAT(Shapes(layer, Layout::kInOut),
              ElementsAre("l.c_attn.weight 16 32", "l.c_attn.bias 32",
                          "l.o_proj.weight 16 16", "l.o_proj.bias 16"));
  const auto fused = PlansOf(Model({Entry("l", layer)}));
  const TensorPlan& weight = fused.at("l.c_attn.weight");
  ASSERT_EQ(weight.parts.size(), 3U);
  for (const TensorPlan& part : weight.parts) {
    const TensorPlan& single = separate.at(part.name);
    EXPECT_EQ(part.shape, single.shape);
    EXPECT_EQ(part.stream_key.key, single.stream_key.key);
    EXPECT_EQ(part.stddev, single.stddev);
  }
  EXPECT_EQ(fused.at("l.c_attn.bias").parts[1].name, "l.k_proj.bias");
}

TEST(LayersTest, AGatedMlpMayBeFused) {
  GatedMlpLayer layer;
  layer.in_features = 4;
  layer.hidden_features = 6;
  EXPECT_THAT(Shapes(layer),
              ElementsAre("l.gate_proj.weight 6 4", "l.up_proj.weight 6 4",
                          "l.down_proj.weight 4 6"));
  layer.fused_weight_name = "gate_up_proj.weight";
  EXPECT_THAT(Shapes(layer), ElementsAre("l.gate_up_proj.weight 12 4",
                                         "l.down_proj.weight 4 6"));
}

MixtureOfExpertsLayer Experts() {
  MixtureOfExpertsLayer layer;
  layer.num_experts = 2;
  layer.in_features = 4;
  layer.hidden_features = 6;
  return layer;
}

TEST(LayersTest, StackedExpertsAreMadeOfTheSeparateOnes) {
  MixtureOfExpertsLayer layer = Experts();
  EXPECT_THAT(Shapes(layer), ElementsAre("l.gate.weight 2 4",
                                         "l.experts.0.gate_proj.weight 6 4",
                                         "l.experts.0.up_proj.weight 6 4",
                                         "l.experts.0.down_proj.weight 4 6",
                                         "l.experts.1.gate_proj.weight 6 4",
                                         "l.experts.1.up_proj.weight 6 4",
                                         "l.experts.1.down_proj.weight 4 6"));
  const auto separate = PlansOf(Model({Entry("l", layer)}));
  layer.stacked_gate_up_name = "gate_up_proj";
  layer.stacked_down_name = "down_proj";
  EXPECT_THAT(Shapes(layer),
              ElementsAre("l.gate.weight 2 4", "l.experts.gate_up_proj 2 12 4",
                          "l.experts.down_proj 2 4 6"));
  EXPECT_THAT(Shapes(layer, Layout::kInOut),
              ElementsAre("l.gate.weight 4 2", "l.experts.gate_up_proj 2 4 12",
                          "l.experts.down_proj 2 6 4"));
  const auto stacked = PlansOf(Model({Entry("l", layer)}));
  const TensorPlan& gate_up = stacked.at("l.experts.gate_up_proj");
  for (const TensorPlan& expert : gate_up.parts) {
    for (const TensorPlan& part : expert.parts) {
      EXPECT_EQ(part.stddev, separate.at(part.name).stddev) << part.name;
      EXPECT_EQ(part.shape, separate.at(part.name).shape);
    }
  }
}

// The fields of the violations of a layer called "l".
template <typename Layer>
std::vector<std::string> BadFields(const Layer& layer) {
  std::vector<std::string> fields;
  const auto plan = ModelPlan::Make(Model({Entry("l", layer)}));
  for (const Violation& violation : GetViolations(plan.status())) {
    fields.push_back(violation.field.substr(violation.field.find(']') + 2));
  }
  return fields;
}

TEST(LayersTest, ALayersSizesAreChecked) {
  EXPECT_THAT(BadFields(DenseLayer()),
              ElementsAre("dense.in_features", "dense.out_features"));
  EXPECT_THAT(
      BadFields(ConvLayer()),
      ElementsAre("conv.in_channels", "conv.out_channels", "conv.kernel_size"));
  EXPECT_THAT(
      BadFields(EmbeddingLayer()),
      ElementsAre("embedding.num_embeddings", "embedding.embedding_dim"));
  EXPECT_THAT(BadFields(LayerNormLayer()),
              ElementsAre("layer_norm.normalized_shape"));
  EXPECT_THAT(BadFields(BatchNormLayer()),
              ElementsAre("batch_norm.num_features"));
  EXPECT_THAT(BadFields(RmsNormLayer()),
              ElementsAre("rms_norm.normalized_shape"));
  EXPECT_THAT(
      BadFields(LoraLayer()),
      ElementsAre("lora.in_features", "lora.out_features", "lora.rank"));
  EXPECT_THAT(BadFields(RecurrentLayer()),
              ElementsAre("lstm.input_size", "lstm.hidden_size"));
  EXPECT_THAT(BadFields(AttentionLayer()),
              ElementsAre("attention.embed_dim", "attention.num_heads"));
  EXPECT_THAT(
      BadFields(GatedMlpLayer()),
      ElementsAre("gated_mlp.in_features", "gated_mlp.hidden_features"));
  EXPECT_THAT(BadFields(MixtureOfExpertsLayer()),
              ElementsAre("mixture_of_experts.num_experts",
                          "mixture_of_experts.in_features",
                          "mixture_of_experts.hidden_features"));
  DenseLayer huge;
  huge.in_features = (int64_t{1} << 30) + 1;
  huge.out_features = 1;
  EXPECT_THAT(BadFields(huge), ElementsAre("dense.in_features"));
}

TEST(LayersTest, WhatDoesNotFitTogetherIsAnError) {
  ConvLayer conv;
  conv.in_channels = 4;
  conv.out_channels = 6;
  conv.kernel_size = {3};
  conv.groups = 4;
  EXPECT_THAT(BadFields(conv), ElementsAre("conv.groups"));
  conv.groups = -1;
  EXPECT_THAT(BadFields(conv), ElementsAre("conv.groups"));
  conv.groups = 1;
  conv.kernel_size = {1, 1, 1, 1};
  EXPECT_THAT(BadFields(conv), ElementsAre("conv.kernel_size"));

  AttentionLayer attention = GroupedAttention();
  attention.num_kv_heads = 3;
  EXPECT_THAT(BadFields(attention), ElementsAre("attention.num_kv_heads"));
  attention.num_kv_heads = 0;
  attention.embed_dim = 17;
  EXPECT_THAT(BadFields(attention), ElementsAre("attention.num_heads"));
  attention = GroupedAttention();
  attention.bias = true;
  attention.fused_weight_name = "qkv";
  EXPECT_THAT(BadFields(attention), ElementsAre("attention.fused_bias_name"));

  RecurrentLayer gru;
  gru.cell = RecurrentLayer::Cell::kGru;
  gru.input_size = gru.hidden_size = 2;
  gru.forget_bias = 1;
  EXPECT_THAT(BadFields(gru), ElementsAre("gru.forget_bias"));
  gru.forget_bias = 0;
  gru.num_layers = 1001;
  EXPECT_THAT(BadFields(gru), ElementsAre("gru.num_layers"));

  MixtureOfExpertsLayer experts = Experts();
  experts.stacked_down_name = "down";
  EXPECT_THAT(BadFields(experts),
              ElementsAre("mixture_of_experts.stacked_down_name"));
  experts = Experts();
  experts.num_experts = 2049;
  EXPECT_THAT(BadFields(experts),
              ElementsAre("mixture_of_experts.num_experts"));

  BatchNormLayer nothing;
  nothing.num_features = 4;
  nothing.affine = nothing.track_running_stats = false;
  EXPECT_THAT(BadFields(nothing), ElementsAre("batch_norm.affine"));
}

}  // namespace
}  // namespace weightinit
