// From a preset to rules of a model.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "proto/cpp/model_conversion.h"
#include "proto/cpp/nearest.h"
#include "weightinit/client/preset.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/name_pattern.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/preset.pb.h"
#include "weightinit/v1/tensor.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

constexpr int kMaxRepetitions = 10000;

void AddNames(const TensorPlan& plan, std::vector<std::string>& names) {
  names.push_back(plan.name);
  for (const TensorPlan& part : plan.parts) AddNames(part, names);
}

// The names that rules of the model can match: of tensors and of their parts.
absl::StatusOr<std::vector<std::string>> NamesOf(const v1::ModelSpec& model) {
  v1::DescribeModelRequest request;
  *request.mutable_model() = model;
  // Who makes the model has limits; a name needs none.
  Limits limits;
  limits.max_elements = kMaxElementsCeiling;
  limits.max_operations = std::numeric_limits<int64_t>::max();
  auto plan = PlanOf(request, limits, /*root_seed=*/nullptr);
  if (!plan.ok()) return plan.status();
  std::vector<std::string> names;
  ModelTensors tensors(*std::move(plan));
  while (const std::optional<ModelTensor> tensor = tensors.Next()) {
    if (tensor->alias_of.empty()) AddNames(tensor->plan, names);
  }
  return names;
}

// The constants of `preset` for `model`; the names point into `preset`.
absl::StatusOr<std::vector<NamedNumber>> ConstantsOf(
    const v1::Preset& preset, const v1::ModelSpec& model) {
  std::vector<NamedNumber> numbers;
  std::vector<Violation> missing;
  for (const v1::PresetConstant& constant : preset.constants()) {
    const auto found = model.constants().find(constant.name());
    if (found != model.constants().end()) {
      numbers.push_back({constant.name(), found->second});
    } else if (constant.has_default_value()) {
      numbers.push_back({constant.name(), constant.default_value()});
    } else {
      missing.push_back({absl::StrCat("model.constants[", constant.name(), "]"),
                         absl::StrCat("is required by the preset ",
                                      preset.name(), ": ", constant.what())});
    }
  }
  if (missing.empty()) return numbers;
  return ViolationStatus(absl::StatusCode::kInvalidArgument, missing);
}

// Makes the rules of a model out of those of a preset.
class RuleMaker {
 public:
  RuleMaker(const v1::Preset& preset, std::vector<NamedNumber> numbers,
            const std::vector<std::string>& names)
      : preset_(preset), numbers_(std::move(numbers)), names_(names) {}

  absl::StatusOr<std::vector<v1::ModelRule>> Make() {
    for (int r = 0; r < preset_.rules_size(); ++r) {
      const std::string field = absl::StrCat("rules[", r, "]");
      absl::Status status = Expand(preset_.rules(r), field);
      if (!status.ok()) return status;
    }
    return std::move(rules_);
  }

 private:
  absl::Status Expand(const v1::PresetRule& rule, const std::string& field) {
    if (!rule.has_repeat()) return Add(rule, field, "", "");
    const auto count = Value(rule.repeat().count(), field + ".repeat.count");
    if (!count.ok()) return count.status();
    const int times = static_cast<int>(
        std::clamp(*count, -1.0, static_cast<double>(kMaxRepetitions) + 1));
    if (times != *count || times < 0 || times > kMaxRepetitions) {
      return Invalid(
          field + ".repeat.count",
          absl::StrCat("\"", rule.repeat().count(), "\" is ", *count,
                       "; must be a whole number from 0 to ", kMaxRepetitions));
    }
    const std::string& index = rule.repeat().index();
    for (int i = 0; i < times; ++i) {
      numbers_.push_back({index, static_cast<double>(i)});
      absl::Status status =
          Add(rule, field, absl::StrCat("{", index, "}"), absl::StrCat(i));
      numbers_.pop_back();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Adds the rule for each of its patterns that matches a name. `value` stands
  // for `index` in them.
  absl::Status Add(const v1::PresetRule& rule, const std::string& field,
                   const std::string& index, const std::string& value) {
    v1::ModelRule made;
    made.set_activation(rule.activation());
    made.set_scheme(rule.scheme());
    if (rule.has_parameters()) *made.mutable_parameters() = rule.parameters();
    for (const auto& [name, expression] : rule.expressions()) {
      const auto number =
          Value(expression, absl::StrCat(field, ".expressions[", name, "]"));
      if (!number.ok()) return number.status();
      v1::SchemeParameters& parameters = *made.mutable_parameters();
      v1::SchemeParameters::GetReflection()->SetDouble(
          &parameters,
          v1::SchemeParameters::GetDescriptor()->FindFieldByName(name),
          *number);
    }
    for (const std::string& pattern : rule.match()) {
      made.set_match(index.empty()
                         ? pattern
                         : absl::StrReplaceAll(pattern, {{index, value}}));
      const bool matches = std::any_of(
          names_.begin(), names_.end(),
          [&](const auto& name) { return MatchesPattern(made.match(), name); });
      if (matches) rules_.push_back(made);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<double> Value(const std::string& expression,
                               const std::string& field) const {
    absl::StatusOr<double> value = Evaluate(expression, numbers_);
    if (value.ok()) return value;
    return Invalid(field, absl::StrCat("is \"", expression,
                                       "\": ", value.status().message()));
  }

  absl::Status Invalid(const std::string& field, absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("preset ", preset_.name(), ": ", field, ": ", what));
  }

  const v1::Preset& preset_;
  std::vector<NamedNumber> numbers_;
  const std::vector<std::string>& names_;
  std::vector<v1::ModelRule> rules_;
};

}  // namespace

absl::Status SetConstants(const std::map<std::string, double>& constants,
                          const std::vector<v1::Preset>& presets,
                          v1::ModelSpec& model) {
  std::set<std::string> known;
  for (const auto& constant : model.constants()) known.insert(constant.first);
  for (const v1::Preset& preset : presets) {
    for (const v1::PresetConstant& constant : preset.constants()) {
      known.insert(constant.name());
    }
  }
  for (const auto& [name, value] : constants) {
    if (known.count(name) == 0) {
      const std::string nearest = Nearest(name, {known.begin(), known.end()});
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", absl::Utf8SafeCHexEscape(name),
          "\" is no constant of the manifest or of a preset; ",
          nearest.empty() ? "" : absl::StrCat("did you mean ", nearest, "? "),
          known.empty()
              ? "they have none"
              : absl::StrCat("must be one of ", absl::StrJoin(known, ", "))));
    }
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" is ", value, "; must be finite"));
    }
  }
  for (const auto& [name, value] : constants) {
    (*model.mutable_constants())[name] = value;
  }
  return absl::OkStatus();
}

absl::Status ApplyPreset(const v1::Preset& preset, v1::ModelSpec& model) {
  const auto names = NamesOf(model);
  if (!names.ok()) return names.status();
  auto numbers = ConstantsOf(preset, model);
  if (!numbers.ok()) return numbers.status();
  auto rules = RuleMaker(preset, *std::move(numbers), *names).Make();
  if (!rules.ok()) return rules.status();
  if (rules->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("preset ", preset.name(),
                     ": matches no tensor of the model; it is for the names "
                     "of ",
                     absl::StrJoin(preset.names(), "; ")));
  }
  for (v1::ModelRule& rule : *rules) *model.add_rules() = std::move(rule);
  return absl::OkStatus();
}

}  // namespace weightinit
