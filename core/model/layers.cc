// The layers of one weight, and what goes with it.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/draft.h"
#include "core/model/framework_defaults.h"
#include "core/model/layer_builder.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

constexpr int kMaxKernelRank = 3;

bool CheckSizes(const char* name, const std::vector<int64_t>& sizes,
                LayerBuilder& builder) {
  if (sizes.empty()) return builder.Fail(name, "is required");
  bool valid = true;
  for (size_t d = 0; d < sizes.size(); ++d) {
    valid = builder.Check(absl::StrCat(name, "[", d, "]").c_str(), sizes[d]) &&
            valid;
  }
  return valid;
}

}  // namespace

void Expand(const DenseLayer& layer, LayerBuilder& builder) {
  const bool in = builder.Check("in_features", layer.in_features);
  const bool out = builder.Check("out_features", layer.out_features);
  if (!in || !out) return;
  Draft weight =
      builder.Weight("weight", layer.out_features, layer.in_features);
  SetKernel(builder.framework(), {layer.in_features, layer.out_features},
            weight);
  builder.Add(std::move(weight));
  if (layer.bias) {
    builder.Add(builder.Bias("bias", layer.out_features, layer.in_features));
  }
}

void Expand(const ConvLayer& layer, LayerBuilder& builder) {
  bool valid = builder.Check("in_channels", layer.in_channels);
  valid = builder.Check("out_channels", layer.out_channels) && valid;
  valid = CheckSizes("kernel_size", layer.kernel_size, builder) && valid;
  if (layer.kernel_size.size() > kMaxKernelRank) {
    valid = builder.Fail("kernel_size", "has ", layer.kernel_size.size(),
                         " sizes; must have 1 to ", kMaxKernelRank);
  }
  const int64_t groups = layer.groups == 0 ? 1 : layer.groups;
  if (groups < 0) {
    valid = builder.Fail("groups", "is ", groups, "; must be at least 1");
  }
  if (!valid) return;
  if (layer.in_channels % groups != 0 || layer.out_channels % groups != 0) {
    builder.Fail("groups", "is ", groups, "; must divide in_channels, ",
                 layer.in_channels, ", and out_channels, ", layer.out_channels);
    return;
  }
  // The first two dimensions in OUT_IN order, and the kernel's elements.
  const int64_t first =
      layer.transposed ? layer.in_channels : layer.out_channels;
  const int64_t second =
      (layer.transposed ? layer.out_channels : layer.in_channels) / groups;
  int64_t places = 1;
  for (const int64_t size : layer.kernel_size) places *= size;
  Draft weight = builder.Weight("weight", first, second, layer.kernel_size);
  weight.fan.groups = groups;
  weight.fan.transposed = layer.transposed;
  SetKernel(builder.framework(), {second * places, first * places}, weight);
  builder.Add(std::move(weight));
  if (layer.bias) {
    builder.Add(builder.Bias("bias", layer.out_channels, second * places));
  }
}

void Expand(const EmbeddingLayer& layer, LayerBuilder& builder) {
  const bool rows = builder.Check("num_embeddings", layer.num_embeddings);
  const bool columns = builder.Check("embedding_dim", layer.embedding_dim);
  if (!rows || !columns) return;
  Draft weight;
  weight.name = builder.Name("weight");
  weight.shape = {layer.num_embeddings, layer.embedding_dim};
  weight.role = TensorRole::kEmbedding;
  weight.fan.layout = Layout::kOutIn;
  weight.own.activation = Activation::kLinear;
  weight.fallback.scheme = Scheme::kNormal;
  SetEmbedding(builder.framework(), layer.embedding_dim, weight);
  builder.Add(std::move(weight));
}

void Expand(const LayerNormLayer& layer, LayerBuilder& builder) {
  if (!CheckSizes("normalized_shape", layer.normalized_shape, builder)) return;
  builder.Add(builder.Constant("weight", layer.normalized_shape,
                               TensorRole::kNormScale));
  if (layer.bias) {
    builder.Add(
        builder.Constant("bias", layer.normalized_shape, TensorRole::kBias));
  }
}

void Expand(const BatchNormLayer& layer, LayerBuilder& builder) {
  if (!builder.Check("num_features", layer.num_features)) return;
  const std::vector<int64_t> shape = {layer.num_features};
  if (!layer.affine && !layer.track_running_stats) {
    builder.Fail("affine", "and track_running_stats are false; the layer has ",
                 "no tensor then");
    return;
  }
  if (layer.affine) {
    builder.Add(builder.Constant("weight", shape, TensorRole::kNormScale));
    builder.Add(builder.Constant("bias", shape, TensorRole::kBias));
  }
  if (layer.track_running_stats) {
    for (Draft& buffer : std::vector<Draft>{
             builder.Constant("running_mean", shape, TensorRole::kRunningMean),
             builder.Constant("running_var", shape,
                              TensorRole::kRunningVariance)}) {
      buffer.buffer = true;
      builder.Add(std::move(buffer));
    }
  }
}

void Expand(const RmsNormLayer& layer, LayerBuilder& builder) {
  if (!CheckSizes("normalized_shape", layer.normalized_shape, builder)) return;
  builder.Add(builder.Constant("weight", layer.normalized_shape,
                               TensorRole::kNormScale));
}

void Expand(const LoraLayer& layer, LayerBuilder& builder) {
  bool valid = builder.Check("in_features", layer.in_features);
  valid = builder.Check("out_features", layer.out_features) && valid;
  valid = builder.Check("rank", layer.rank) && valid;
  if (!valid) return;
  Draft a = builder.Weight("lora_A.weight", layer.rank, layer.in_features);
  // As kaiming_uniform_ takes its slope: for a leaky ReLU that is not there.
  a.own.activation = Activation::kLeakyRelu;
  a.fallback.scheme = Scheme::kHeUniform;
  a.fallback.parameters.negative_slope = std::sqrt(5.0);
  if (builder.framework() == Framework::kKeras ||
      builder.framework() == Framework::kFlax) {
    SetUniform(std::sqrt(6 / static_cast<double>(layer.in_features)),
               a.fallback);  // he_uniform.
  }
  builder.Add(std::move(a));
  Draft b = builder.Weight("lora_B.weight", layer.out_features, layer.rank);
  SetConstant(TensorRole::kWeight, 0, b);
  builder.Add(std::move(b));
}

}  // namespace weightinit
