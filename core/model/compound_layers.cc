// The layers of several weights, some of which may be fused to one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/draft.h"
#include "core/model/framework_defaults.h"
#include "core/model/layer_builder.h"
#include "core/model/name_pattern.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// Levels of a recurrent layer.
constexpr int64_t kMaxLevels = 1000;

std::string OrDefault(const std::string& name, const char* fallback) {
  return name.empty() ? fallback : name;
}

// A weight, and a bias if there is one, of one output of a layer.
struct Projection {
  std::string name;
  int64_t out;
  Activation activation;  // kUnspecified: that of the defaults.
  // Of the uniform distribution that the framework has for it; nothing: as of a
  // dense layer.
  std::optional<double> bound = std::nullopt;
  bool zero_bias = false;  // Whatever the framework.
};

// What the framework fills the weight of a projection with.
void SetProjection(const Projection& projection, int64_t in,
                   const LayerBuilder& builder, Draft& weight) {
  weight.own.activation = projection.activation;
  if (projection.bound.has_value()) {
    SetUniform(*projection.bound, weight.fallback);
  } else {
    SetKernel(builder.framework(), {in, projection.out}, weight);
  }
}

// Adds "NAME.weight" and "NAME.bias" of one projection.
void AddProjection(const Projection& projection, int64_t in, bool bias,
                   LayerBuilder& builder) {
  Draft weight =
      builder.Weight(projection.name + ".weight", projection.out, in);
  SetProjection(projection, in, builder, weight);
  builder.Add(std::move(weight));
  if (bias) {
    Draft added = builder.Constant(projection.name + ".bias", {projection.out},
                                   TensorRole::kBias);
    if (!projection.zero_bias) SetBias(builder.framework(), in, added);
    builder.Add(std::move(added));
  }
}

// The parts of a fused weight, in their order.
std::vector<Draft> WeightParts(const std::vector<Projection>& projections,
                               int64_t in, const LayerBuilder& builder) {
  std::vector<Draft> parts;
  for (const Projection& projection : projections) {
    parts.push_back(builder.Part(projection.name + ".weight", projection.out));
    SetProjection(projection, in, builder, parts.back());
  }
  return parts;
}

// Adds several projections of one input as one weight, and one bias.
void AddFused(const std::vector<Projection>& projections, int64_t in, bool bias,
              const std::string& weight_name, const std::string& bias_name,
              LayerBuilder& builder) {
  builder.Add(builder.FusedWeight(weight_name, in,
                                  WeightParts(projections, in, builder)));
  if (!bias) return;
  if (bias_name.empty()) {
    builder.Fail("fused_bias_name", "is required; there is a bias");
    return;
  }
  Draft fused;
  fused.name = builder.Name(bias_name);
  fused.role = TensorRole::kBias;
  int64_t out = 0;
  for (const Projection& projection : projections) {
    fused.parts.push_back(
        builder.Part(projection.name + ".bias", projection.out));
    SetConstant(TensorRole::kBias, 0, fused.parts.back());
    if (!projection.zero_bias) {
      SetBias(builder.framework(), in, fused.parts.back());
    }
    out += projection.out;
  }
  fused.shape = {out};
  builder.Add(std::move(fused));
}

struct Gate {
  char name;
  Activation activation;
};

// The gates in the order in which they lie.
std::vector<Gate> GatesOf(const RecurrentLayer& layer) {
  constexpr Activation kSigmoid = Activation::kSigmoid;
  constexpr Activation kTanh = Activation::kTanh;
  if (layer.cell == RecurrentLayer::Cell::kLstm) {
    return {{'i', kSigmoid}, {'f', kSigmoid}, {'g', kTanh}, {'o', kSigmoid}};
  }
  if (layer.gate_order == GateOrder::kKeras) {
    return {{'z', kSigmoid}, {'r', kSigmoid}, {'n', kTanh}};
  }
  return {{'r', kSigmoid}, {'z', kSigmoid}, {'n', kTanh}};
}

// The weight of one direction of one level. Keras' recurrent kernel is one
// orthogonal matrix for all gates.
Draft RecurrentWeight(const RecurrentLayer& layer, const std::string& name,
                      bool recurrent, int64_t inputs,
                      const std::vector<Gate>& gates,
                      const LayerBuilder& builder) {
  const int64_t hidden = layer.hidden_size;
  const int64_t in = recurrent ? hidden : inputs;
  const int64_t out = static_cast<int64_t>(gates.size()) * hidden;
  const Framework framework = builder.framework();
  if (framework == Framework::kKeras && recurrent) {
    Draft weight = builder.Weight(name, out, in);
    weight.own.activation = Activation::kSigmoid;
    weight.fallback.scheme = Scheme::kOrthogonal;
    return weight;
  }
  std::vector<Draft> parts;
  for (const Gate& gate : gates) {
    Draft& part = parts.emplace_back(builder.Part(
        absl::StrCat(name, ".", std::string(1, gate.name)), hidden));
    part.own.activation = gate.activation;
    if (framework == Framework::kPytorch) {
      SetRecurrent(framework, hidden, part);
    } else if (framework == Framework::kFlax && recurrent) {
      part.fallback.scheme = Scheme::kOrthogonal;
    } else {
      SetKernel(framework, {in, out}, part);
    }
  }
  return builder.FusedWeight(name, in, std::move(parts));
}

// The tensors of one direction of one level.
void AddLevel(const RecurrentLayer& layer, const std::string& suffix,
              int64_t inputs, LayerBuilder& builder) {
  const std::vector<Gate> gates = GatesOf(layer);
  for (const char* tensor : {"weight_ih_l", "weight_hh_l"}) {
    builder.Add(RecurrentWeight(layer, tensor + suffix, tensor[7] == 'h',
                                inputs, gates, builder));
  }
  if (!layer.bias) return;
  const bool keras = builder.framework() == Framework::kKeras;
  const double forget_bias =
      keras && layer.forget_bias == 0 ? 1 : layer.forget_bias;
  for (const char* tensor : {"bias_ih_l", "bias_hh_l"}) {
    Draft bias;
    bias.name = builder.Name(tensor + suffix);
    bias.role = TensorRole::kBias;
    bias.shape = {static_cast<int64_t>(gates.size()) * layer.hidden_size};
    for (const Gate& gate : gates) {
      Draft& part = bias.parts.emplace_back(builder.Part(
          absl::StrCat(tensor, suffix, ".", std::string(1, gate.name)),
          layer.hidden_size));
      const bool forget = gate.name == 'f' && tensor[5] == 'i';
      SetConstant(TensorRole::kBias, forget ? forget_bias : 0, part);
      // A forget bias that is asked for stays.
      if (!forget || layer.forget_bias == 0) {
        SetRecurrent(builder.framework(), layer.hidden_size, part);
      }
    }
    builder.Add(std::move(bias));
  }
}

}  // namespace

void Expand(const RecurrentLayer& layer, LayerBuilder& builder) {
  bool valid = builder.Check("input_size", layer.input_size);
  valid = builder.Check("hidden_size", layer.hidden_size) && valid;
  if (layer.num_layers < 0 || layer.num_layers > kMaxLevels) {
    valid = builder.Fail("num_layers", "is ", layer.num_layers,
                         "; must be from 1 to ", kMaxLevels);
  }
  if (layer.cell == RecurrentLayer::Cell::kGru && layer.forget_bias != 0) {
    valid = builder.Fail("forget_bias", "is set; a GRU has no forget gate");
  }
  if (layer.gate_order < GateOrder::kUnspecified ||
      layer.gate_order > GateOrder::kKeras) {
    valid =
        builder.Fail("gate_order", "is ", static_cast<int>(layer.gate_order),
                     "; not a known GateOrder");
  }
  if (!valid) return;
  const int64_t levels = layer.num_layers == 0 ? 1 : layer.num_layers;
  const int64_t directions = layer.bidirectional ? 2 : 1;
  for (int64_t level = 0; level < levels; ++level) {
    const int64_t inputs =
        level == 0 ? layer.input_size : directions * layer.hidden_size;
    AddLevel(layer, absl::StrCat(level), inputs, builder);
    if (layer.bidirectional) {
      AddLevel(layer, absl::StrCat(level, "_reverse"), inputs, builder);
    }
  }
}

void Expand(const AttentionLayer& layer, LayerBuilder& builder) {
  bool valid = builder.Check("embed_dim", layer.embed_dim);
  valid = builder.Check("num_heads", layer.num_heads) && valid;
  if (!valid) return;
  const int64_t kv_heads =
      layer.num_kv_heads == 0 ? layer.num_heads : layer.num_kv_heads;
  valid = builder.Check("num_kv_heads", kv_heads);
  if (valid && layer.num_heads % kv_heads != 0) {
    valid = builder.Fail("num_kv_heads", "is ", kv_heads,
                         "; must divide num_heads, which is ", layer.num_heads);
  }
  int64_t head_dim = layer.head_dim;
  if (head_dim == 0) {
    if (layer.embed_dim % layer.num_heads != 0) {
      valid = builder.Fail("num_heads", "is ", layer.num_heads,
                           "; must divide embed_dim, which is ",
                           layer.embed_dim, ", unless head_dim is given");
    }
    head_dim = layer.embed_dim / layer.num_heads;
  }
  valid = valid && builder.Check("head_dim", head_dim);
  if (!valid) return;
  const int64_t kv = kv_heads * head_dim;
  const int64_t query = layer.num_heads * head_dim;
  const bool fused = !layer.fused_weight_name.empty();
  const bool torch_fused = fused && builder.framework() == Framework::kPytorch;
  std::optional<double> bound;
  if (torch_fused) {  // nn.MultiheadAttention.
    bound = GlorotBound({layer.embed_dim, query + 2 * kv});
  }
  const std::vector<Projection> inputs = {
      {OrDefault(layer.query_name, "q_proj"), query, Activation::kLinear, bound,
       torch_fused},
      {OrDefault(layer.key_name, "k_proj"), kv, Activation::kLinear, bound,
       torch_fused},
      {OrDefault(layer.value_name, "v_proj"), kv, Activation::kLinear, bound,
       torch_fused}};
  if (fused) {
    AddFused(inputs, layer.embed_dim, layer.bias, layer.fused_weight_name,
             layer.fused_bias_name, builder);
  } else {
    for (const Projection& projection : inputs) {
      AddProjection(projection, layer.embed_dim, layer.bias, builder);
    }
  }
  AddProjection({OrDefault(layer.output_name, "o_proj"), layer.embed_dim,
                 Activation::kLinear, std::nullopt, torch_fused},
                query, layer.output_bias.value_or(layer.bias), builder);
}

void Expand(const GatedMlpLayer& layer, LayerBuilder& builder) {
  bool valid = builder.Check("in_features", layer.in_features);
  valid = builder.Check("hidden_features", layer.hidden_features) && valid;
  if (!valid) return;
  std::vector<Projection> inputs = {
      {OrDefault(layer.gate_name, "gate_proj"), layer.hidden_features,
       Activation::kUnspecified},
      {OrDefault(layer.up_name, "up_proj"), layer.hidden_features,
       Activation::kLinear}};
  if (layer.fused_weight_name.empty()) {
    for (const Projection& projection : inputs) {
      AddProjection(projection, layer.in_features, layer.bias, builder);
    }
  } else {
    if (builder.framework() == Framework::kKeras) {
      // One dense layer of both.
      const double bound =
          GlorotBound({layer.in_features, 2 * layer.hidden_features});
      for (Projection& projection : inputs) projection.bound = bound;
    }
    AddFused(inputs, layer.in_features, layer.bias, layer.fused_weight_name,
             layer.fused_bias_name, builder);
  }
  AddProjection({OrDefault(layer.down_name, "down_proj"), layer.in_features,
                 Activation::kLinear},
                layer.hidden_features, layer.bias, builder);
}

void Expand(const MixtureOfExpertsLayer& layer, LayerBuilder& builder) {
  bool valid = builder.Check("num_experts", layer.num_experts);
  valid = builder.Check("in_features", layer.in_features) && valid;
  valid = builder.Check("hidden_features", layer.hidden_features) && valid;
  if (layer.num_experts > kMaxParts) {
    valid = builder.Fail("num_experts", "is ", layer.num_experts,
                         "; must be at most ", kMaxParts);
  }
  const bool stacked = !layer.stacked_gate_up_name.empty();
  if (stacked == layer.stacked_down_name.empty()) {
    valid = builder.Fail("stacked_down_name",
                         "and stacked_gate_up_name: set both or none");
  }
  if (!valid) return;
  AddProjection({OrDefault(layer.router_name, "gate"), layer.num_experts,
                 Activation::kSoftmax},
                layer.in_features, /*bias=*/false, builder);

  const std::string experts = OrDefault(layer.experts_name, "experts");
  const auto projections = [&](const std::string& expert) {
    return std::vector<Projection>{
        {JoinNames(expert, OrDefault(layer.gate_name, "gate_proj")),
         layer.hidden_features, Activation::kUnspecified},
        {JoinNames(expert, OrDefault(layer.up_name, "up_proj")),
         layer.hidden_features, Activation::kLinear},
        {JoinNames(expert, OrDefault(layer.down_name, "down_proj")),
         layer.in_features, Activation::kLinear}};
  };
  std::vector<Draft> gate_ups;
  std::vector<Draft> downs;
  for (int64_t e = 0; e < layer.num_experts; ++e) {
    const std::string expert = absl::StrCat(experts, ".", e);
    std::vector<Projection> parts = projections(expert);
    const Projection down = parts[2];
    parts.pop_back();
    if (!stacked) {
      for (const Projection& projection : parts) {
        AddProjection(projection, layer.in_features, false, builder);
      }
      AddProjection(down, layer.hidden_features, false, builder);
      continue;
    }
    Draft gate_up =
        builder.Part(JoinNames(expert, layer.stacked_gate_up_name), 0);
    gate_up.axis = builder.OutputAxis();
    gate_up.parts = WeightParts(parts, layer.in_features, builder);
    gate_ups.push_back(std::move(gate_up));
    downs.push_back(builder.Part(down.name + ".weight", 0));
    downs.back().own.activation = down.activation;
    SetKernel(builder.framework(), {layer.hidden_features, layer.in_features},
              downs.back());
  }
  if (!stacked) return;
  const auto add_stack = [&](const std::string& name, int64_t out, int64_t in,
                             std::vector<Draft> parts) {
    Draft stack = builder.Weight(JoinNames(experts, name), out, in);
    stack.shape.insert(stack.shape.begin(), layer.num_experts);
    stack.stacked = true;
    stack.parts = std::move(parts);
    builder.Add(std::move(stack));
  };
  add_stack(layer.stacked_gate_up_name, 2 * layer.hidden_features,
            layer.in_features, std::move(gate_ups));
  add_stack(layer.stacked_down_name, layer.in_features, layer.hidden_features,
            std::move(downs));
}

}  // namespace weightinit
