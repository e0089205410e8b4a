#include "weightinit/core/model_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/model/fingerprint.h"
#include "core/model/settings.h"
#include "core/model/tensor_walk.h"
#include "core/plan/advisories.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/seed_name.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

// Rules, patterns and selections: each tensor is held against all of them.
constexpr size_t kMaxRules = 1000;
// Of all tensors: 8 bytes each stay below 2^63.
constexpr int64_t kMaxModelElements = int64_t{1} << 59;

template <typename T>
bool CheckCount(const std::vector<T>& list, const char* field,
                ViolationList& violations) {
  if (list.size() <= kMaxRules) return true;
  AddViolation(violations, field, "has ", list.size(), "; must have at most ",
               kMaxRules);
  return false;
}

void AddTooManyTensors(const Limits& limits, ViolationList& violations) {
  AddViolation(violations, "model.entries", "make more than ",
               limits.max_tensors, " tensors, the limit in force");
}

// The tensors of `entries`, were each to make only one; those above `most` are
// not counted.
int64_t FewestTensors(const std::vector<ModelEntry>& entries, int64_t most,
                      int level = 0) {
  int64_t sum = 0;
  for (const ModelEntry& entry : entries) {
    int64_t count = 1;
    const auto* const block = std::get_if<BlockEntry>(&entry.kind);
    if (block != nullptr && level < kMaxBlockLevels) {
      count = FewestTensors(block->entries, most, level + 1);
    }
    for (const Repetition& repetition : entry.repeat) {
      const int64_t times = std::max<int64_t>(1, repetition.count);
      count = count > most / times ? most + 1 : count * times;
    }
    sum = std::min(most + 1, sum + count);
  }
  return sum;
}

// What of the request can be judged before any tensor.
void CheckHead(const ModelRequest& request, const Limits& limits,
               ViolationList& violations) {
  // Generator and chunk size, as for a single tensor.
  TensorRequest scalar;
  scalar.generator = request.generator;
  scalar.chunk_bytes = request.chunk_bytes;
  for (Violation& violation : GetViolations(Resolve(scalar, limits).status())) {
    violations.push_back(std::move(violation));
  }

  const ModelSpec& model = request.model;
  if (model.version != 1) {
    AddViolation(violations, "model.version", "is ", model.version,
                 "; must be 1");
  }
  if (model.name.size() > kMaxNameBytes || !IsUtf8(model.name)) {
    AddViolation(violations, "model.name", "must be UTF-8 of at most ",
                 kMaxNameBytes, " bytes");
  }
  if (model.entries.empty()) {
    AddViolation(violations, "model.entries", "is required");
  }
  if (model.framework_defaults < Framework::kUnspecified ||
      model.framework_defaults > Framework::kFlax) {
    AddViolation(violations, "model.framework_defaults", "is ",
                 static_cast<int>(model.framework_defaults),
                 "; not a known FrameworkDefaults");
  }
  CheckExpressions(SettingsOf(model.defaults), "model.defaults", violations);
  for (const auto& [name, value] : model.constants) {
    if (!IsExpressionName(name)) {
      AddViolation(violations, "model.constants", "has \"",
                   absl::CHexEscape(name.substr(0, kMaxExpressionBytes)),
                   "\"; a name must be a letter or _, then letters, digits and "
                   "_, and not sqrt");
    } else if (!std::isfinite(value)) {
      AddViolation(violations, absl::StrCat("model.constants[", name, "]"),
                   "is ", value, "; must be finite");
    }
  }
  if (CheckCount(model.rules, "model.rules", violations)) {
    for (size_t r = 0; r < model.rules.size(); ++r) {
      const std::string field = absl::StrCat("model.rules[", r, "]");
      if (model.rules[r].match.empty()) {
        AddViolation(violations, field + ".match", "is required");
      }
      CheckExpressions(SettingsOf(model.rules[r]), field, violations);
    }
  }
}

// What the request selects.
void CheckSelection(const ModelRequest& request, ViolationList& violations) {
  CheckCount(request.only, "only", violations);
  CheckCount(request.selections, "selections", violations);
  for (size_t s = 0; s < request.selections.size(); ++s) {
    const TensorSelection& selection = request.selections[s];
    const std::string field = absl::StrCat("selections[", s, "]");
    if (selection.match.empty()) {
      AddViolation(violations, field + ".match", "is required");
    }
    if (!selection.shard.has_value()) continue;
    const Shard& shard = *selection.shard;
    if (!selection.slice.empty()) {
      AddViolation(violations, field, "has a slice and a shard; set one");
    }
    if (shard.count < 1) {
      AddViolation(violations, field + ".shard.count", "is ", shard.count,
                   "; must be at least 1");
    } else if (shard.index < 0 || shard.index >= shard.count) {
      AddViolation(violations, field + ".shard.index", "is ", shard.index,
                   "; must be from 0 to ", shard.count - 1);
    }
    if (shard.axis < 0) {
      AddViolation(violations, field + ".shard.axis", "is ", shard.axis,
                   "; must be at least 0");
    }
  }
  const auto check = [&](const char* field, std::optional<int64_t> value) {
    if (value.has_value() && *value < 0) {
      AddViolation(violations, field, "is ", *value, "; must be at least 0");
    }
  };
  check("first_tensor", request.first_tensor);
  check("tensor_count", request.tensor_count);
  check("first_element", request.first_element);
  check("element_count", request.element_count);
  if (request.element_count.has_value() && request.tensor_count != 1) {
    AddViolation(violations, "element_count",
                 "is set; it goes with a tensor_count of 1");
  }
}

// Adds up the tensors, and sees that names are there, each once.
class Totals {
 public:
  Totals(const ModelRequest& request, const Limits& limits,
         ModelSummary& summary, ViolationList& violations)
      : limits_(limits), summary_(summary), violations_(violations) {
    rule_matches_.resize(request.model.rules.size());
  }

  void Add(const TensorWalk& walk) {
    const ModelTensor& tensor = walk.tensor();
    const std::string& name = tensor.plan.name;
    if (name.empty()) {
      AddViolation(violations_, walk.field() + ".name", "is required");
    } else if (!aliases_.emplace(name, walk.is_alias()).second) {
      AddViolation(violations_, walk.field(), "makes a second tensor \"",
                   absl::CHexEscape(name), "\"");
    }
    if (++summary_.tensors > limits_.max_tensors) {
      AddTooManyTensors(limits_, violations_);
    }
    for (const int rule : tensor.rules) {
      rule_matches_[static_cast<size_t>(rule)] = true;
    }
    fingerprint_.Add(tensor);
    if (walk.is_alias()) {
      ++summary_.aliases;
      targets_.push_back({walk.field(), tensor.alias_of});
      return;
    }
    const TensorPlan& plan = tensor.plan;
    if (plan.tensor_elements > kMaxModelElements - elements_) {
      AddViolation(violations_, "model.entries", "make more than ",
                   kMaxModelElements, " elements");
      return;
    }
    elements_ += plan.tensor_elements;
    (tensor.buffer ? summary_.buffer_elements : summary_.parameters) +=
        plan.tensor_elements;
    summary_.model_bytes += plan.tensor_elements * DtypeBytes(plan.dtype);
    if (walk.selected()) {
      ++summary_.selected_tensors;
      summary_.bytes += plan.bytes;
    }
  }

  void Finish(const ModelRequest& request) {
    for (const auto& [field, target] : targets_) {
      const auto found = aliases_.find(target);
      if (found == aliases_.end() || found->second) {
        AddViolation(violations_, field + ".alias", "is \"",
                     absl::CHexEscape(target), "\"; must be a tensor of the ",
                     "model that is no alias");
      }
    }
    for (size_t r = 0; r < rule_matches_.size(); ++r) {
      if (rule_matches_[r]) continue;
      summary_.advisories.push_back(
          {AdvisoryCode::kRuleMatchesNothing,
           absl::StrCat("rule ", r, ", \"",
                        absl::CHexEscape(request.model.rules[r].match),
                        "\", matches no tensor")});
    }
    summary_.fingerprint =
        fingerprint_.Finish(summary_.generator, summary_.seed);
  }

 private:
  struct Target {
    std::string field;
    std::string name;
  };

  const Limits& limits_;
  ModelSummary& summary_;
  ViolationList& violations_;
  // All names, and whether they are aliases.
  absl::flat_hash_map<std::string, bool> aliases_;
  std::vector<Target> targets_;  // Of the aliases.
  std::vector<bool> rule_matches_;
  Fingerprint fingerprint_;
  int64_t elements_ = 0;
};

bool IsScaleOfNormalization(const TensorPlan& plan) {
  return plan.shape.size() == 1 && plan.parts.empty() && plan.mean == 1 &&
         plan.stddev == 0;
}

// Adds a violation for each pattern of the request that no tensor has matched.
void CheckMatches(const std::vector<bool>& matches, const char* field,
                  ViolationList& violations) {
  for (size_t i = 0; i < matches.size(); ++i) {
    if (matches[i]) continue;
    AddViolation(violations, absl::StrCat(field, "[", i, "]"),
                 "matches no tensor of the model");
  }
}

// Whether the range of the request lies in the model. `first` is the tensor
// first_tensor, if the model has it.
void CheckRange(const ModelRequest& request, int64_t tensors,
                int64_t first_elements, ViolationList& violations) {
  if (request.first_tensor > tensors) {
    AddViolation(violations, "first_tensor", "is ", request.first_tensor,
                 "; must be from 0 to ", tensors, ", the tensors of the model");
    return;
  }
  if (request.first_element > first_elements) {
    AddViolation(violations, "first_element", "is ", request.first_element,
                 "; must be from 0 to ", first_elements,
                 ", what is delivered of the tensor first_tensor");
  } else if (request.element_count.value_or(0) >
             first_elements - request.first_element) {
    AddViolation(violations, "element_count", "is ", *request.element_count,
                 "; must be from 0 to ", first_elements - request.first_element,
                 ", what is left of the tensor first_tensor");
  }
}

absl::Status Invalid(ViolationList violations) {
  if (violations.size() > kMaxModelViolations) {
    violations.resize(kMaxModelViolations);
  }
  return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelPlan>> ModelPlan::Make(
    ModelRequest request, const Limits& limits, const RootSeed* root_seed) {
  // Not make_shared, which cannot see the constructor.
  const std::shared_ptr<ModelPlan> plan(
      new ModelPlan(std::move(request), limits));
  const ModelRequest& kept = plan->request_;
  ModelSummary& summary = plan->summary_;
  ViolationList violations;
  const absl::StatusOr<uint64_t> seed =
      SeedInForce(kept.seed, kept.seed_name, root_seed);
  violations = GetViolations(seed.status());
  CheckHead(kept, limits, violations);
  CheckSelection(kept, violations);
  if (!violations.empty()) return Invalid(std::move(violations));
  if (!seed.ok()) return seed.status();
  plan->request_.seed = *seed;

  summary.name = kept.model.name;
  summary.seed = kept.seed;
  summary.seed_name = kept.seed_name;
  summary.generator = kept.generator == Generator::kUnspecified
                          ? Generator::kPhilox4x32V1
                          : kept.generator;
  TensorWalk walk(kept, limits, violations);
  Totals totals(kept, limits, summary, violations);
  int64_t first_elements = 0;
  // A short request can ask for any number of tensors: where they are too many,
  // the first ones show what else is wrong.
  const bool too_many = FewestTensors(kept.model.entries, limits.max_tensors) >
                        limits.max_tensors;
  const int64_t looked_at =
      too_many ? std::min(limits.max_tensors, int64_t{kMaxModelViolations})
               : limits.max_tensors;
  while (walk.Next() && summary.tensors <= looked_at) {
    totals.Add(walk);
    if (IsScaleOfNormalization(walk.tensor().plan)) plan->normalizes_ = true;
    if (walk.tensor().index == kept.first_tensor && walk.selected()) {
      first_elements = walk.tensor().plan.elements;
    }
  }
  if (violations.empty() && too_many) AddTooManyTensors(limits, violations);
  if (violations.empty()) {
    CheckMatches(walk.only_matches(), "only", violations);
    CheckMatches(walk.selection_matches(), "selections", violations);
    totals.Finish(kept);
  }
  if (!violations.empty()) return Invalid(std::move(violations));
  CheckRange(kept, summary.tensors, first_elements, violations);
  if (!violations.empty()) {
    return ViolationStatus(absl::StatusCode::kOutOfRange, violations);
  }
  return std::shared_ptr<const ModelPlan>(plan);
}

struct ModelTensors::State {
  explicit State(std::shared_ptr<const ModelPlan> of)
      : plan(std::move(of)),
        walk(plan->request(), plan->limits(), violations) {}

  const std::shared_ptr<const ModelPlan> plan;
  ViolationList violations;  // Stays empty: the plan has been found good.
  TensorWalk walk;
};

ModelTensors::ModelTensors(std::shared_ptr<const ModelPlan> plan)
    : state_(std::make_unique<State>(std::move(plan))) {}
ModelTensors::~ModelTensors() = default;
ModelTensors::ModelTensors(ModelTensors&&) noexcept = default;
ModelTensors& ModelTensors::operator=(ModelTensors&&) noexcept = default;

std::optional<ModelTensor> ModelTensors::Next() {
  const ModelRequest& request = state_->plan->request();
  TensorWalk& walk = state_->walk;
  while (walk.Next()) {
    ModelTensor& tensor = walk.tensor();
    const int64_t distance = tensor.index - request.first_tensor;
    if (request.tensor_count.has_value() && distance >= *request.tensor_count) {
      return std::nullopt;
    }
    if (distance < 0 || !walk.selected()) continue;
    if (distance == 0 && !walk.is_alias()) {
      TensorPlan& plan = tensor.plan;
      plan.first_element = request.first_element;
      plan.elements -= request.first_element;
      plan.elements = request.element_count.value_or(plan.elements);
      plan.bytes = plan.elements * DtypeBytes(plan.dtype);
    }
    if (state_->plan->normalizes()) DropAdvisoriesOfBareStacks(tensor.plan);
    return std::move(tensor);
  }
  return std::nullopt;
}

}  // namespace weightinit
