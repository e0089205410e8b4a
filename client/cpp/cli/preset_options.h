// --preset and --constant.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PRESET_OPTIONS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PRESET_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// As typed.
struct PresetOptions {
  std::vector<std::string> presets;    // Names or paths, in order.
  std::vector<std::string> constants;  // NAME=VALUE.
};

// The rules that presets added to a model.
class PresetRules {
 public:
  PresetRules() = default;
  // Those behind the first `own` rules; `presets` has the preset of each.
  PresetRules(int own, std::vector<std::string> presets)
      : own_(own), presets_(std::move(presets)) {}

  bool empty() const { return presets_.empty(); }
  // The presets among the rules that changed a tensor, each once, in order.
  std::vector<std::string> PresetsOf(const v1::ModelTensor& tensor) const;
  // The other rules, which are the manifest's.
  std::vector<int> OwnRulesOf(const v1::ModelTensor& tensor) const;

 private:
  int own_ = 0;
  std::vector<std::string> presets_;
};

// Gives `model` the constants, then the rules of the presets behind its own.
// INVALID_ARGUMENT: a constant that neither the model nor a preset has, an
// unknown preset, and what ReadPreset and ApplyPreset say.
absl::StatusOr<PresetRules> ApplyPresets(const PresetOptions& options,
                                         v1::ModelSpec& model);

// Collects the tensors that no preset changes.
class TensorsWithoutPreset {
 public:
  // `rules` must outlive it.
  explicit TensorsWithoutPreset(const PresetRules& rules) : rules_(rules) {}

  void Add(const v1::ModelTensor& tensor);
  // An "advisory: ..." line; empty where there is no preset or no such tensor.
  std::string text() const;

 private:
  const PresetRules& rules_;
  std::vector<std::string> names_;  // The first ones.
  int count_ = 0;
  int tensors_ = 0;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PRESET_OPTIONS_H_
