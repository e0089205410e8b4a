// What names and shapes tell of tensors.

#include "client/cpp/cli/tensor_role.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit::cli {
namespace {

using Shape = std::vector<int64_t>;

TensorRole RoleOfOnly(const std::string& name, const Shape& shape) {
  return RoleOf(name, {{name, shape}});
}

TEST(TensorRoleTest, WeightsOfNormsByTheirNames) {
  for (const char* const name :
       {"h.0.ln_1.weight", "ln_f.weight", "ln.weight", "bn1.weight",
        "layer1.0.bn2.weight", "encoder.LayerNorm.weight", "LayerNorm.gamma",
        "input_layernorm.weight", "model.norm.weight", "norm.weight",
        "blocks.3.attn.q_norm.weight", "final_layer_norm.weight", "gn3.weight",
        "attn_ln.weight", "LayerNorm_0/scale", "bert/LayerNorm/gamma:0",
        "norm_weight", "attention_norm.weight"}) {
    EXPECT_EQ(RoleOfOnly(name, {8}), TensorRole::kNormWeight) << name;
  }
}

TEST(TensorRoleTest, WeightsOfNormsByWhatIsBesideThem) {
  EXPECT_EQ(RoleOf("downsample.1.weight", {{"downsample.1.weight", {8}},
                                           {"downsample.1.running_mean", {8}}}),
            TensorRole::kNormWeight);
  EXPECT_EQ(
      RoleOf("head.0.weight", {{"head.0.weight", {8}}, {"head.0.bias", {8}}}),
      TensorRole::kNormWeight);
  EXPECT_EQ(
      RoleOf("norm.weight", {{"norm.weight", {8, 4}}, {"norm.bias", {8, 4}}}),
      TensorRole::kNormWeight);
  EXPECT_EQ(RoleOf("weight", {{"weight", {8}}, {"bias", {8}}}),
            TensorRole::kNormWeight);
}

TEST(TensorRoleTest, WeightsOfRank2OrMoreAreNoNormsByTheirNamesAlone) {
  EXPECT_EQ(RoleOfOnly("norm.weight", {8, 8}), TensorRole::kWeight);
  EXPECT_EQ(
      RoleOf("norm.weight", {{"norm.weight", {8, 4}}, {"norm.bias", {8}}}),
      TensorRole::kWeight);
}

TEST(TensorRoleTest, Biases) {
  for (const char* const name :
       {"fc.bias", "bias", "ln_1.bias", "LayerNorm.beta", "in_proj_bias",
        "rnn.bias_ih_l0", "rnn.bias_hh_l0_reverse", "Dense_0/bias"}) {
    EXPECT_EQ(RoleOfOnly(name, {8}), TensorRole::kBias) << name;
  }
  // One for each expert.
  EXPECT_EQ(RoleOfOnly("experts.gate_up_proj_bias", {4, 8}), TensorRole::kBias);
}

TEST(TensorRoleTest, RunningStatistics) {
  EXPECT_EQ(RoleOfOnly("bn1.running_mean", {8}), TensorRole::kRunningMean);
  EXPECT_EQ(RoleOfOnly("bn1.running_var", {8}), TensorRole::kRunningVariance);
  EXPECT_EQ(RoleOfOnly("bn/moving_mean:0", {8}), TensorRole::kRunningMean);
  EXPECT_EQ(RoleOfOnly("bn/moving_variance:0", {8}),
            TensorRole::kRunningVariance);
}

TEST(TensorRoleTest, Embeddings) {
  for (const char* const name :
       {"transformer.wte.weight", "wpe.weight", "model.embed_tokens.weight",
        "embeddings.word_embeddings.weight", "tok_embeddings.weight",
        "token_embedding.weight", "emb.weight", "gpt_neox.embed_in.weight",
        "Embed_0.embedding", "positional_embedding"}) {
    EXPECT_EQ(RoleOfOnly(name, {100, 8}), TensorRole::kEmbedding) << name;
  }
  EXPECT_EQ(RoleOfOnly("encoder.pos_embedding", {1, 197, 8}),
            TensorRole::kEmbedding);
}

TEST(TensorRoleTest, OtherWeights) {
  for (const char* const name :
       {"fc1.weight", "embed_out.weight", "unembed.weight", "lm_head.weight",
        "embedding_hidden_mapping_in.weight", "norm1.linear.weight",
        "rnn.weight_ih_l0", "in_proj_weight"}) {
    EXPECT_EQ(RoleOfOnly(name, {8, 8}), TensorRole::kWeight) << name;
  }
  EXPECT_EQ(RoleOfOnly("patch_embed.weight", {8, 3, 16, 16}),
            TensorRole::kWeight);
}

TEST(TensorRoleTest, RankOneThatIsNeitherIsUnknown) {
  for (const char* const name : {"act.weight", "ls1.gamma", "logit_scale"}) {
    EXPECT_EQ(RoleOfOnly(name, {8}), TensorRole::kUnknownScale) << name;
  }
  for (const char* const name :
       {"class_embedding", "rotary_emb.inv_freq", "D", "normalizer.mean"}) {
    EXPECT_EQ(RoleOfOnly(name, {8}), TensorRole::kUnknown) << name;
  }
  EXPECT_EQ(RoleOfOnly("logit_scale", {}), TensorRole::kUnknownScale);
}

}  // namespace
}  // namespace weightinit::cli
