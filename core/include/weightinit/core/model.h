// The request for a model: the structs that all tensors of a model are a pure
// function of. proto/weightinit/v1/model.proto says what each field means and
// which values it may have.
//
// Plain data; any thread may use its own copy.

#ifndef WEIGHTINIT_CORE_MODEL_H_
#define WEIGHTINIT_CORE_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "weightinit/core/request.h"

namespace weightinit {

// Names and what belongs to them; in any order, no name twice.
using Expressions = std::vector<std::pair<std::string, std::string>>;
using Constants = std::vector<std::pair<std::string, double>>;

struct TensorDefaults {
  Dtype dtype = Dtype::kUnspecified;
  Activation activation = Activation::kUnspecified;
  Layout layout = Layout::kUnspecified;
  Scheme scheme = Scheme::kUnspecified;
  SchemeParameters parameters;
  Expressions expressions;
};

struct ModelRule {
  std::string match;
  Dtype dtype = Dtype::kUnspecified;
  Activation activation = Activation::kUnspecified;
  Scheme scheme = Scheme::kUnspecified;
  SchemeParameters parameters;
  Expressions expressions;
};

struct Repetition {
  std::string index;
  int64_t first = 0;
  int64_t count = 0;
};

struct TensorEntry {
  TensorSpec spec;  // Without name, which is the entry's.
  Expressions expressions;
  bool buffer = false;
};

struct AliasEntry {
  std::string of;
};

struct ModelEntry;

struct BlockEntry {
  std::vector<ModelEntry> entries;
};

struct DenseLayer {
  int64_t in_features = 0;
  int64_t out_features = 0;
  bool bias = true;
};

struct ConvLayer {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  std::vector<int64_t> kernel_size;
  int64_t groups = 0;  // 0 means 1.
  bool transposed = false;
  bool bias = true;
};

struct EmbeddingLayer {
  int64_t num_embeddings = 0;
  int64_t embedding_dim = 0;
};

struct LayerNormLayer {
  std::vector<int64_t> normalized_shape;
  bool bias = true;
};

struct BatchNormLayer {
  int64_t num_features = 0;
  bool affine = true;
  bool track_running_stats = true;
};

struct RmsNormLayer {
  std::vector<int64_t> normalized_shape;
};

// Whose defaults layers are filled with.
enum class Framework : int {
  kUnspecified = 0,
  kPytorch = 1,
  kKeras = 2,
  kFlax = 3,
};

enum class GateOrder : int { kUnspecified = 0, kTorch = 1, kKeras = 2 };

struct RecurrentLayer {
  enum class Cell { kLstm, kGru };

  Cell cell = Cell::kLstm;
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;  // 0 means 1.
  bool bidirectional = false;
  bool bias = true;
  double forget_bias = 0;
  GateOrder gate_order = GateOrder::kUnspecified;
};

struct AttentionLayer {
  int64_t embed_dim = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;  // 0 means num_heads.
  int64_t head_dim = 0;      // 0 means embed_dim / num_heads.
  bool bias = true;
  std::optional<bool> output_bias;  // Default: as bias.
  // Empty: the default.
  std::string query_name;
  std::string key_name;
  std::string value_name;
  std::string output_name;
  // Empty: not fused.
  std::string fused_weight_name;
  std::string fused_bias_name;
};

struct GatedMlpLayer {
  int64_t in_features = 0;
  int64_t hidden_features = 0;
  bool bias = false;
  // Empty: the default.
  std::string gate_name;
  std::string up_name;
  std::string down_name;
  // Empty: not fused.
  std::string fused_weight_name;
  std::string fused_bias_name;
};

struct MixtureOfExpertsLayer {
  int64_t num_experts = 0;
  int64_t in_features = 0;
  int64_t hidden_features = 0;
  // Empty: the default.
  std::string router_name;
  std::string experts_name;
  std::string gate_name;
  std::string up_name;
  std::string down_name;
  // Empty: not stacked.
  std::string stacked_gate_up_name;
  std::string stacked_down_name;
};

struct LoraLayer {
  int64_t in_features = 0;
  int64_t out_features = 0;
  int64_t rank = 0;
};

struct ModelEntry {
  std::string name;
  std::vector<Repetition> repeat;
  TensorDefaults defaults;
  // Nothing: the entry says no kind, which is an error.
  std::variant<std::monostate, TensorEntry, AliasEntry, BlockEntry, DenseLayer,
               ConvLayer, EmbeddingLayer, LayerNormLayer, BatchNormLayer,
               RmsNormLayer, RecurrentLayer, AttentionLayer, GatedMlpLayer,
               MixtureOfExpertsLayer, LoraLayer>
      kind;
};

struct ModelSpec {
  int64_t version = 1;
  std::string name;
  TensorDefaults defaults;
  Constants constants;
  std::vector<ModelEntry> entries;
  std::vector<ModelRule> rules;
  Framework framework_defaults = Framework::kUnspecified;
};

// One of the shares of a tensor along one dimension.
struct Shard {
  int64_t index = 0;
  int64_t count = 0;
  int64_t axis = 0;
};

// The share of a dimension of `size` elements, which may be empty. REQUIRES:
// `size` >= 0 and 0 <= shard.index < shard.count.
DimensionRange ShareOf(const Shard& shard, int64_t size);

struct TensorSelection {
  std::string match;
  std::vector<DimensionRange> slice;
  std::optional<Shard> shard;
};

struct ModelRequest {
  // These change bytes.
  ModelSpec model;
  uint64_t seed = 0;
  std::string seed_name;  // In place of seed, which is 0 then.
  Generator generator = Generator::kUnspecified;
  // These choose which of the model's bytes are delivered.
  std::vector<std::string> only;
  std::vector<TensorSelection> selections;
  int64_t first_tensor = 0;
  std::optional<int64_t> tensor_count;
  int64_t first_element = 0;
  std::optional<int64_t> element_count;
  // This frames the delivery and never changes a byte. 0 means the default.
  int64_t chunk_bytes = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_H_
