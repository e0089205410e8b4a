#include "client/cpp/cli/preset_options.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "weightinit/client/preset.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/preset.pb.h"

namespace weightinit::cli {
namespace {

// Tensors that an advisory names.
constexpr size_t kMaxNames = 3;

absl::StatusOr<std::vector<v1::Preset>> ReadPresets(
    const std::vector<std::string>& names) {
  std::vector<v1::Preset> presets;
  for (const std::string& name : names) {
    auto preset = ReadPreset(name);
    if (!preset.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--preset: ", preset.status().message()));
    }
    presets.push_back(*std::move(preset));
  }
  return presets;
}

// The numbers that NAME=VALUE says.
absl::StatusOr<std::map<std::string, double>> ParseConstants(
    const std::vector<std::string>& texts) {
  std::map<std::string, double> constants;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    double value = 0;
    if (equals == std::string::npos ||
        !absl::SimpleAtod(text.substr(equals + 1), &value) ||
        !std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--constant: \"", absl::Utf8SafeCHexEscape(text),
                       "\" is not NAME=VALUE, such as layers=12"));
    }
    constants[text.substr(0, equals)] = value;
  }
  return constants;
}

// `status`, with what to type where a constant is missing.
absl::Status WithHint(const absl::Status& status) {
  constexpr absl::string_view kField = "model.constants[";
  for (const Violation& violation : GetViolations(status)) {
    if (violation.field.rfind(kField.data(), 0) != 0 ||
        violation.description.rfind("is required", 0) != 0) {
      return status;
    }
  }
  if (GetViolations(status).empty()) return status;
  std::vector<std::string> lines;
  std::vector<std::string> hints;
  for (const Violation& violation : GetViolations(status)) {
    const std::string name = violation.field.substr(
        kField.size(), violation.field.size() - kField.size() - 1);
    lines.push_back(
        absl::StrCat("constant ", name, ": ", violation.description));
    hints.push_back(absl::StrCat("--constant ", name, "=VALUE"));
  }
  lines.push_back(absl::StrCat("Give ", absl::StrJoin(hints, " "),
                               ", or the constants of the manifest."));
  return absl::Status(status.code(), absl::StrJoin(lines, "\n"));
}

}  // namespace

std::vector<std::string> PresetRules::PresetsOf(
    const v1::ModelTensor& tensor) const {
  std::vector<std::string> presets;
  for (const int rule : tensor.rules()) {
    if (rule < own_) continue;
    const std::string& preset = presets_[static_cast<size_t>(rule - own_)];
    if (presets.empty() || presets.back() != preset) presets.push_back(preset);
  }
  return presets;
}

std::vector<int> PresetRules::OwnRulesOf(const v1::ModelTensor& tensor) const {
  std::vector<int> rules(tensor.rules().begin(), tensor.rules().end());
  if (!empty()) {
    rules.erase(std::remove_if(rules.begin(), rules.end(),
                               [&](int rule) { return rule >= own_; }),
                rules.end());
  }
  return rules;
}

absl::StatusOr<PresetRules> ApplyPresets(const PresetOptions& options,
                                         v1::ModelSpec& model) {
  const auto presets = ReadPresets(options.presets);
  if (!presets.ok()) return presets.status();
  const auto constants = ParseConstants(options.constants);
  if (!constants.ok()) return constants.status();
  absl::Status status = SetConstants(*constants, *presets, model);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("--constant: ", status.message()));
  }
  const int own = model.rules_size();
  std::vector<std::string> of_rules;
  for (const v1::Preset& preset : *presets) {
    status = ApplyPreset(preset, model);
    if (!status.ok()) return WithHint(status);
    of_rules.resize(static_cast<size_t>(model.rules_size() - own),
                    preset.name());
  }
  return PresetRules(own, std::move(of_rules));
}

void TensorsWithoutPreset::Add(const v1::ModelTensor& tensor) {
  if (rules_.empty() || !tensor.alias_of().empty()) return;
  ++tensors_;
  if (!rules_.PresetsOf(tensor).empty()) return;
  ++count_;
  if (names_.size() < kMaxNames) names_.push_back(tensor.description().name());
}

std::string TensorsWithoutPreset::text() const {
  if (count_ == 0) return "";
  std::string names = absl::Utf8SafeCHexEscape(absl::StrJoin(names_, ", "));
  if (static_cast<size_t>(count_) > names_.size()) names.append(", ...");
  return absl::StrCat("advisory: the preset leaves ", count_, " of ", tensors_,
                      " tensors as the manifest says: ", names, "\n");
}

}  // namespace weightinit::cli
