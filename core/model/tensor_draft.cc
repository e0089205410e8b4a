#include "core/model/tensor_draft.h"

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/model/draft.h"
#include "core/model/entry_walk.h"
#include "core/model/layer_builder.h"
#include "core/model/name_pattern.h"
#include "core/model/settings.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/model.h"
#include "weightinit/core/name_pattern.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// The name of each kind of entry in the request.
template <typename T>
const char* KindName() {
  if (std::is_same_v<T, DenseLayer>) return "dense";
  if (std::is_same_v<T, ConvLayer>) return "conv";
  if (std::is_same_v<T, EmbeddingLayer>) return "embedding";
  if (std::is_same_v<T, LayerNormLayer>) return "layer_norm";
  if (std::is_same_v<T, BatchNormLayer>) return "batch_norm";
  if (std::is_same_v<T, RmsNormLayer>) return "rms_norm";
  if (std::is_same_v<T, AttentionLayer>) return "attention";
  if (std::is_same_v<T, GatedMlpLayer>) return "gated_mlp";
  if (std::is_same_v<T, MixtureOfExpertsLayer>) return "mixture_of_experts";
  if (std::is_same_v<T, LoraLayer>) return "lora";
  return "tensor";
}

// What the role of a tensor entry, or of a part of one, lets defaults do.
void SetRole(TensorRole role, Draft& draft) {
  draft.role = role;
  draft.fixed = role != TensorRole::kUnspecified &&
                role != TensorRole::kWeight && role != TensorRole::kEmbedding;
  if (role == TensorRole::kEmbedding) draft.fallback.scheme = Scheme::kNormal;
}

// The parts of an entry's tensor, with their names filled in.
std::vector<Draft> PartDrafts(const Concatenation& concatenation,
                              const EntryWalk& walk, const std::string& field,
                              ViolationList& violations) {
  std::vector<Draft> drafts;
  for (size_t i = 0; i < concatenation.parts.size(); ++i) {
    const TensorPart& part = concatenation.parts[i];
    const std::string path =
        absl::StrCat(field, ".concatenation.parts[", i, "]");
    absl::StatusOr<std::string> name = FillIndices(part.name, walk.indices());
    if (!name.ok()) {
      AddViolation(violations, path + ".name", name.status().message());
      continue;
    }
    Draft& draft = drafts.emplace_back();
    draft.name = *std::move(name);
    draft.size = part.size;
    draft.own = {part.activation, part.scheme, part.parameters, {}};
    draft.fan = part.fan;
    SetRole(part.role, draft);
    draft.axis = part.concatenation.axis;
    draft.stacked = part.concatenation.stacked;
    draft.parts = PartDrafts(part.concatenation, walk, path, violations);
  }
  return drafts;
}

Draft DraftOf(const TensorEntry& entry, const EntryWalk& walk,
              ViolationList& violations) {
  const std::string field = walk.field() + ".tensor";
  const TensorSpec& spec = entry.spec;
  Draft draft;
  draft.name = walk.name();
  draft.shape = spec.shape;
  draft.own = {spec.activation, spec.scheme, spec.parameters,
               entry.expressions};
  CheckExpressions(draft.own, field, violations);
  draft.fan = spec.fan;
  SetRole(spec.role, draft);
  draft.dtype = spec.dtype;
  draft.buffer = entry.buffer;
  draft.axis = spec.concatenation.axis;
  draft.stacked = spec.concatenation.stacked;
  draft.parts = PartDrafts(spec.concatenation, walk, field, violations);
  return draft;
}

// Makes tensors final, one at a time.
class Finisher {
 public:
  Finisher(const Inherited& inherited, const std::vector<ModelRule>& rules,
           const std::vector<NamedNumber>& numbers, ViolationList& violations)
      : inherited_(inherited),
        rules_(rules),
        numbers_(numbers),
        violations_(violations),
        matched_(rules.size(), false) {}

  FinishedTensor Finish(const Draft& draft) {
    FinishedTensor finished;
    TensorSpec& spec = finished.spec;
    spec.name = draft.name;
    spec.shape = draft.shape;
    spec.dtype =
        draft.dtype != Dtype::kUnspecified ? draft.dtype : inherited_.dtype;
    spec.fan = draft.fan;
    spec.role = draft.role;
    if (spec.fan.layout == Layout::kUnspecified) {
      spec.fan.layout = inherited_.layout;
    }
    const std::vector<bool> matching = Matching(draft.name, {});
    for (size_t r = 0; r < rules_.size(); ++r) {
      if (matching[r] && rules_[r].dtype != Dtype::kUnspecified) {
        spec.dtype = rules_[r].dtype;
      }
    }
    if (draft.parts.empty()) {
      FinishValues(draft, {}, draft.shape.size(), matching, spec);
    } else {
      spec.concatenation =
          FinishParts(draft, draft.own, draft.shape.size(), matching);
    }
    for (size_t r = 0; r < rules_.size(); ++r) {
      if (matched_[r]) finished.rules.push_back(static_cast<int>(r));
    }
    return finished;
  }

 private:
  // Which rules apply to what is called `name` and lies in something that
  // `outer` applies to.
  std::vector<bool> Matching(const std::string& name, std::vector<bool> outer) {
    outer.resize(rules_.size(), false);
    for (size_t r = 0; r < rules_.size(); ++r) {
      if (!outer[r]) outer[r] = MatchesPattern(rules_[r].match, name);
      if (outer[r]) matched_[r] = true;
    }
    return outer;
  }

  // Fills in what decides the values of a tensor or part without parts. `outer`
  // is what the tensors around the part say. Target: TensorSpec or TensorPart.
  template <typename Target>
  void FinishValues(const Draft& draft, const Settings& outer, size_t rank,
                    const std::vector<bool>& matching, Target& target) {
    Settings settings = draft.fallback;
    const bool inherits_scheme =
        inherited_.settings.scheme != Scheme::kUnspecified ||
        draft.fallback.scheme == Scheme::kUnspecified;
    const bool is_weight = rank >= 2 || draft.role == TensorRole::kWeight;
    if (is_weight && !draft.fixed) {
      if (inherits_scheme) Overlay(inherited_.settings, settings);
      settings.activation = inherited_.settings.activation;
    }
    Overlay(outer, settings);
    Overlay(draft.own, settings);
    for (size_t r = 0; r < rules_.size(); ++r) {
      if (matching[r]) Overlay(SettingsOf(rules_[r]), settings);
    }
    target.activation = settings.activation;
    target.scheme = settings.scheme;
    target.parameters = EvaluateParameters(settings, numbers_, violations_);
  }

  Concatenation FinishParts(const Draft& draft, const Settings& outer,
                            size_t rank, const std::vector<bool>& matching) {
    Concatenation concatenation;
    concatenation.axis = draft.axis;
    concatenation.stacked = draft.stacked;
    if (draft.stacked && rank > 0) --rank;
    for (const Draft& part_draft : draft.parts) {
      TensorPart& part = concatenation.parts.emplace_back();
      part.name = part_draft.name;
      part.size = part_draft.size;
      part.fan = part_draft.fan;
      part.role = part_draft.role;
      const std::vector<bool> of_part = Matching(part_draft.name, matching);
      if (part_draft.parts.empty()) {
        FinishValues(part_draft, outer, rank, of_part, part);
        continue;
      }
      Settings around = outer;
      Overlay(part_draft.own, around);
      part.concatenation = FinishParts(part_draft, around, rank, of_part);
    }
    return concatenation;
  }

  const Inherited& inherited_;
  const std::vector<ModelRule>& rules_;
  const std::vector<NamedNumber>& numbers_;
  ViolationList& violations_;
  std::vector<bool> matched_;  // The tensor, or a part of it.
};

}  // namespace

std::vector<Draft> DraftsOf(const EntryWalk& walk, ViolationList& violations) {
  return std::visit(
      [&](const auto& kind) -> std::vector<Draft> {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, std::monostate>) {
          AddViolation(violations, walk.field(),
                       "has no kind; must have one, such as tensor or dense");
          return {};
        } else if constexpr (std::is_same_v<Kind, TensorEntry>) {
          return {DraftOf(kind, walk, violations)};
        } else if constexpr (std::is_same_v<Kind, AliasEntry> ||
                             std::is_same_v<Kind, BlockEntry>) {
          return {};
        } else {
          const char* name = KindName<Kind>();
          if constexpr (std::is_same_v<Kind, RecurrentLayer>) {
            name = kind.cell == RecurrentLayer::Cell::kGru ? "gru" : "lstm";
          }
          const std::string field = absl::StrCat(walk.field(), ".", name);
          LayerBuilder builder(walk.name(), walk.inherited().layout,
                               walk.framework(), field, violations);
          Expand(kind, builder);
          return std::move(builder.tensors());
        }
      },
      walk.entry().kind);
}

FinishedTensor Finish(const Draft& draft, const Inherited& inherited,
                      const std::vector<ModelRule>& rules,
                      const std::vector<NamedNumber>& numbers,
                      ViolationList& violations) {
  return Finisher(inherited, rules, numbers, violations).Finish(draft);
}

}  // namespace weightinit
