// What layers make their tensors with.

#ifndef WEIGHTINIT_CORE_MODEL_LAYER_BUILDER_H_
#define WEIGHTINIT_CORE_MODEL_LAYER_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/draft.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {

// Collects the tensors of one layer. Shapes are given in the order out, in,
// kernel, and stand in the layout's.
class LayerBuilder {
 public:
  // `prefix` stands before the names of tensors, `field` is the path of the
  // layer in the request. All must outlive the builder.
  LayerBuilder(std::string_view prefix, Layout layout, Framework framework,
               const std::string& field, ViolationList& violations)
      : prefix_(prefix),
        layout_(layout),
        framework_(framework),
        field_(field),
        violations_(violations) {}

  std::vector<Draft>& tensors() { return tensors_; }
  // Whose defaults the layer has.
  Framework framework() const { return framework_; }

  // Checks a size, which is at least 1 and at most 2^30.
  bool Check(const char* name, int64_t size);
  // Adds a violation of a field of the layer.
  template <typename... Parts>
  bool Fail(const char* name, const Parts&... parts) {
    AddViolation(violations_, absl::StrCat(field_, ".", name), parts...);
    return false;
  }

  std::string Name(std::string_view inner) const;

  // A weight of that name behind the prefix, not added yet.
  Draft Weight(std::string_view name, int64_t out, int64_t in,
               const std::vector<int64_t>& kernel = {}) const;
  // A weight whose rows (the outputs) are those of `parts`: their names are
  // behind the prefix, their sizes along the outputs.
  Draft FusedWeight(std::string_view name, int64_t in,
                    std::vector<Draft> parts) const;
  // A part of a weight or a bias, `size` outputs.
  Draft Part(std::string_view name, int64_t size) const;

  // A bias of 0, or what the framework adds to a layer of that fan_in.
  Draft Bias(std::string_view name, int64_t size, int64_t fan_in) const;

  // A tensor of the role, all its values those that the role stands for;
  // defaults leave it alone.
  Draft Constant(std::string_view name, std::vector<int64_t> shape,
                 TensorRole role) const;

  // Where the outputs are in the shape of a weight.
  int64_t OutputAxis() const { return layout_ == Layout::kInOut ? 1 : 0; }

  void Add(Draft draft) { tensors_.push_back(std::move(draft)); }

 private:
  const std::string_view prefix_;
  const Layout layout_;
  const Framework framework_;
  const std::string& field_;
  ViolationList& violations_;
  std::vector<Draft> tensors_;
};

// Makes a draft one of the role, with all its values `value`, whatever defaults
// say.
void SetConstant(TensorRole role, double value, Draft& draft);

// The layers of core/model/layers.cc and core/model/compound_layers.cc. Each
// adds its tensors, or violations and perhaps fewer tensors.
void Expand(const DenseLayer& layer, LayerBuilder& builder);
void Expand(const ConvLayer& layer, LayerBuilder& builder);
void Expand(const EmbeddingLayer& layer, LayerBuilder& builder);
void Expand(const LayerNormLayer& layer, LayerBuilder& builder);
void Expand(const BatchNormLayer& layer, LayerBuilder& builder);
void Expand(const RmsNormLayer& layer, LayerBuilder& builder);
void Expand(const LoraLayer& layer, LayerBuilder& builder);
void Expand(const RecurrentLayer& layer, LayerBuilder& builder);
void Expand(const AttentionLayer& layer, LayerBuilder& builder);
void Expand(const GatedMlpLayer& layer, LayerBuilder& builder);
void Expand(const MixtureOfExpertsLayer& layer, LayerBuilder& builder);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_LAYER_BUILDER_H_
