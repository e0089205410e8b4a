#include "proto/cpp/model_conversion.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/repeated_field.h"
#include "proto/cpp/description_conversion.h"
#include "proto/cpp/spec_conversion.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

template <typename Map>
auto PairsOf(const Map& map) {
  using Value = typename Map::mapped_type;
  return std::vector<std::pair<std::string, Value>>(map.begin(), map.end());
}

TensorDefaults ToCore(const v1::TensorDefaults& proto) {
  TensorDefaults defaults;
  defaults.dtype = static_cast<Dtype>(proto.dtype());
  defaults.activation = static_cast<Activation>(proto.activation());
  defaults.layout = static_cast<Layout>(proto.layout());
  defaults.scheme = static_cast<Scheme>(proto.scheme());
  defaults.parameters = FromProto(proto.parameters());
  defaults.expressions = PairsOf(proto.expressions());
  return defaults;
}

ModelRule ToCore(const v1::ModelRule& proto) {
  ModelRule rule;
  rule.match = proto.match();
  rule.dtype = static_cast<Dtype>(proto.dtype());
  rule.activation = static_cast<Activation>(proto.activation());
  rule.scheme = static_cast<Scheme>(proto.scheme());
  rule.parameters = FromProto(proto.parameters());
  rule.expressions = PairsOf(proto.expressions());
  return rule;
}

TensorEntry ToCore(const v1::TensorEntry& proto) {
  TensorEntry entry;
  entry.spec.shape.assign(proto.shape().begin(), proto.shape().end());
  entry.spec.scheme = static_cast<Scheme>(proto.scheme());
  entry.spec.activation = static_cast<Activation>(proto.activation());
  entry.spec.dtype = static_cast<Dtype>(proto.dtype());
  entry.spec.parameters = FromProto(proto.parameters());
  entry.spec.fan = FromProto(proto.fan());
  entry.spec.concatenation = FromProto(proto.concatenation());
  entry.spec.role = static_cast<TensorRole>(proto.role());
  entry.expressions = PairsOf(proto.expressions());
  entry.buffer = proto.buffer();
  return entry;
}

// A bias is there unless the layer says no.
template <typename Layer>
bool HasBias(const Layer& layer) {
  return !layer.has_bias() || layer.bias();
}

DenseLayer ToCore(const v1::DenseLayer& proto) {
  return {proto.in_features(), proto.out_features(), HasBias(proto)};
}

ConvLayer ToCore(const v1::ConvLayer& proto) {
  return {proto.in_channels(),
          proto.out_channels(),
          {proto.kernel_size().begin(), proto.kernel_size().end()},
          proto.groups(),
          proto.transposed(),
          HasBias(proto)};
}

EmbeddingLayer ToCore(const v1::EmbeddingLayer& proto) {
  return {proto.num_embeddings(), proto.embedding_dim()};
}

LayerNormLayer ToCore(const v1::LayerNormLayer& proto) {
  return {{proto.normalized_shape().begin(), proto.normalized_shape().end()},
          HasBias(proto)};
}

BatchNormLayer ToCore(const v1::BatchNormLayer& proto) {
  return {proto.num_features(), !proto.has_affine() || proto.affine(),
          !proto.has_track_running_stats() || proto.track_running_stats()};
}

RmsNormLayer ToCore(const v1::RmsNormLayer& proto) {
  return {{proto.normalized_shape().begin(), proto.normalized_shape().end()}};
}

RecurrentLayer ToCore(const v1::RecurrentLayer& proto,
                      RecurrentLayer::Cell cell) {
  return {cell,
          proto.input_size(),
          proto.hidden_size(),
          proto.num_layers(),
          proto.bidirectional(),
          HasBias(proto),
          proto.forget_bias(),
          static_cast<GateOrder>(proto.gate_order())};
}

AttentionLayer ToCore(const v1::AttentionLayer& proto) {
  AttentionLayer layer;
  layer.embed_dim = proto.embed_dim();
  layer.num_heads = proto.num_heads();
  layer.num_kv_heads = proto.num_kv_heads();
  layer.head_dim = proto.head_dim();
  layer.bias = HasBias(proto);
  if (proto.has_output_bias()) layer.output_bias = proto.output_bias();
  layer.query_name = proto.query_name();
  layer.key_name = proto.key_name();
  layer.value_name = proto.value_name();
  layer.output_name = proto.output_name();
  layer.fused_weight_name = proto.fused_weight_name();
  layer.fused_bias_name = proto.fused_bias_name();
  return layer;
}

GatedMlpLayer ToCore(const v1::GatedMlpLayer& proto) {
  return {proto.in_features(),       proto.hidden_features(), proto.bias(),
          proto.gate_name(),         proto.up_name(),         proto.down_name(),
          proto.fused_weight_name(), proto.fused_bias_name()};
}

MixtureOfExpertsLayer ToCore(const v1::MixtureOfExpertsLayer& proto) {
  return {proto.num_experts(),
          proto.in_features(),
          proto.hidden_features(),
          proto.router_name(),
          proto.experts_name(),
          proto.gate_name(),
          proto.up_name(),
          proto.down_name(),
          proto.stacked_gate_up_name(),
          proto.stacked_down_name()};
}

LoraLayer ToCore(const v1::LoraLayer& proto) {
  return {proto.in_features(), proto.out_features(), proto.rank()};
}

// The depth of the recursion is bounded by the parser's.
ModelEntry ToCore(const v1::ModelEntry& proto) {
  ModelEntry entry;
  entry.name = proto.name();
  for (const v1::Repetition& repetition : proto.repeat()) {
    entry.repeat.push_back(
        {repetition.index(), repetition.first(), repetition.count()});
  }
  entry.defaults = ToCore(proto.defaults());
  switch (proto.kind_case()) {
    case v1::ModelEntry::kTensor:
      entry.kind = ToCore(proto.tensor());
      break;
    case v1::ModelEntry::kAlias:
      entry.kind = AliasEntry{proto.alias()};
      break;
    case v1::ModelEntry::kBlock: {
      BlockEntry block;
      for (const v1::ModelEntry& inner : proto.block().entries()) {
        block.entries.push_back(ToCore(inner));
      }
      entry.kind = std::move(block);
      break;
    }
    case v1::ModelEntry::kDense:
      entry.kind = ToCore(proto.dense());
      break;
    case v1::ModelEntry::kConv:
      entry.kind = ToCore(proto.conv());
      break;
    case v1::ModelEntry::kEmbedding:
      entry.kind = ToCore(proto.embedding());
      break;
    case v1::ModelEntry::kLayerNorm:
      entry.kind = ToCore(proto.layer_norm());
      break;
    case v1::ModelEntry::kBatchNorm:
      entry.kind = ToCore(proto.batch_norm());
      break;
    case v1::ModelEntry::kRmsNorm:
      entry.kind = ToCore(proto.rms_norm());
      break;
    case v1::ModelEntry::kLstm:
      entry.kind = ToCore(proto.lstm(), RecurrentLayer::Cell::kLstm);
      break;
    case v1::ModelEntry::kGru:
      entry.kind = ToCore(proto.gru(), RecurrentLayer::Cell::kGru);
      break;
    case v1::ModelEntry::kAttention:
      entry.kind = ToCore(proto.attention());
      break;
    case v1::ModelEntry::kGatedMlp:
      entry.kind = ToCore(proto.gated_mlp());
      break;
    case v1::ModelEntry::kMixtureOfExperts:
      entry.kind = ToCore(proto.mixture_of_experts());
      break;
    case v1::ModelEntry::kLora:
      entry.kind = ToCore(proto.lora());
      break;
    case v1::ModelEntry::KIND_NOT_SET:
      break;
  }
  return entry;
}

ModelSpec ToCore(const v1::ModelSpec& proto) {
  ModelSpec model;
  model.version = proto.version();
  model.name = proto.name();
  model.defaults = ToCore(proto.defaults());
  model.constants = PairsOf(proto.constants());
  model.entries.reserve(static_cast<size_t>(proto.entries_size()));
  for (const v1::ModelEntry& entry : proto.entries()) {
    model.entries.push_back(ToCore(entry));
  }
  model.framework_defaults = static_cast<Framework>(proto.framework_defaults());
  model.rules.reserve(static_cast<size_t>(proto.rules_size()));
  for (const v1::ModelRule& rule : proto.rules()) {
    model.rules.push_back(ToCore(rule));
  }
  return model;
}

// Counts the entries that are no blocks, each of which makes a tensor at least,
// up to just above `limit`.
int64_t CountTensors(
    const google::protobuf::RepeatedPtrField<v1::ModelEntry>& entries,
    int64_t limit) {
  int64_t count = 0;
  for (const v1::ModelEntry& entry : entries) {
    if (count > limit) break;
    count += entry.has_block()
                 ? CountTensors(entry.block().entries(), limit - count)
                 : 1;
  }
  return count;
}

// Request: InitializeModelRequest or DescribeModelRequest, which have the same
// fields.
template <typename Request>
absl::StatusOr<std::shared_ptr<const ModelPlan>> Plan(
    const Request& proto, const Limits& limits, const RootSeed* root_seed) {
  if (!proto.has_model()) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument,
                           {{"model", "is required"}});
  }
  // Before the entries are copied into something larger.
  if (CountTensors(proto.model().entries(), limits.max_tensors) >
      limits.max_tensors) {
    return ViolationStatus(
        absl::StatusCode::kInvalidArgument,
        {{"model.entries", absl::StrCat("make more than ", limits.max_tensors,
                                        " tensors, the limit in force")}});
  }
  ModelRequest request;
  request.model = ToCore(proto.model());
  request.seed = proto.seed();
  request.seed_name = proto.seed_name();
  request.generator = static_cast<Generator>(proto.generator());
  request.only.assign(proto.only().begin(), proto.only().end());
  for (const v1::TensorSelection& selection_proto : proto.selections()) {
    TensorSelection& selection = request.selections.emplace_back();
    selection.match = selection_proto.match();
    selection.slice = FromProto(selection_proto.slice());
    if (selection_proto.has_shard()) {
      const v1::Shard& shard = selection_proto.shard();
      selection.shard = Shard{shard.index(), shard.count(), shard.axis()};
    }
  }
  request.first_tensor = proto.first_tensor();
  if (proto.has_tensor_count()) request.tensor_count = proto.tensor_count();
  request.first_element = proto.first_element();
  if (proto.has_element_count()) request.element_count = proto.element_count();
  request.chunk_bytes = proto.chunk_bytes();
  return ModelPlan::Make(std::move(request), limits, root_seed);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanOf(
    const v1::InitializeModelRequest& request, const Limits& limits,
    const RootSeed* root_seed) {
  return Plan(request, limits, root_seed);
}

absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanOf(
    const v1::DescribeModelRequest& request, const Limits& limits,
    const RootSeed* root_seed) {
  return Plan(request, limits, root_seed);
}

void ToProto(const ModelTensor& tensor, v1::ModelTensor* proto) {
  proto->set_index(tensor.index);
  if (tensor.alias_of.empty()) {
    ToProto(tensor.plan, proto->mutable_description());
  } else {
    proto->mutable_description()->set_name(tensor.plan.name);
  }
  proto->set_byte_offset(tensor.byte_offset);
  proto->mutable_rules()->Add(tensor.rules.begin(), tensor.rules.end());
  proto->set_alias_of(tensor.alias_of);
  proto->set_buffer(tensor.buffer);
}

void ToProto(const ModelSummary& summary, v1::ModelSummary* proto) {
  proto->set_name(summary.name);
  proto->set_generator(static_cast<v1::Generator>(summary.generator));
  proto->set_seed(summary.seed);
  proto->set_seed_name(summary.seed_name);
  proto->set_tensors(summary.tensors);
  proto->set_aliases(summary.aliases);
  proto->set_parameters(summary.parameters);
  proto->set_buffer_elements(summary.buffer_elements);
  proto->set_model_bytes(summary.model_bytes);
  proto->set_selected_tensors(summary.selected_tensors);
  proto->set_bytes(summary.bytes);
  proto->set_fingerprint(summary.fingerprint.data(),
                         summary.fingerprint.size());
  for (const Advisory& advisory : summary.advisories) {
    v1::Advisory* added = proto->add_advisories();
    added->set_code(static_cast<v1::AdvisoryCode>(advisory.code));
    added->set_message(advisory.message);
  }
}

}  // namespace weightinit
