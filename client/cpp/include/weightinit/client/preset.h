// Presets: how the tensors of a kind of model start, as rules by names.
//
// A preset (weightinit.v1.Preset) is written as a manifest is, see manifest.h.
// The presets that come along are in this library; client/presets has their
// files.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_CLIENT_PRESET_H_
#define WEIGHTINIT_CLIENT_PRESET_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/preset.pb.h"

namespace weightinit {

// The names of the presets that come along, sorted.
std::vector<std::string> PresetNames();

// The text of a preset: of one that comes along by its name, or of a file by
// its path, which has a "/" or ends in .yaml, .yml or .json. INVALID_ARGUMENT
// for an unknown name, which tells the known ones; for files the errors of
// ReadManifestText.
absl::StatusOr<std::string> PresetText(const std::string& name_or_path);

// The preset that `text` says. Errors are those of ParseManifest, and what a
// preset alone can tell.
absl::StatusOr<v1::Preset> ParsePreset(absl::string_view text,
                                       const std::string& file_name);

// PresetText and ParsePreset.
absl::StatusOr<v1::Preset> ReadPreset(const std::string& name_or_path);

// Sets constants of `model`. INVALID_ARGUMENT for one that neither the model
// nor one of `presets` has, or that is not finite; the model stays as it is.
absl::Status SetConstants(const std::map<std::string, double>& constants,
                          const std::vector<v1::Preset>& presets,
                          v1::ModelSpec& model);

// Adds the rules of `preset` that match a tensor of `model` behind its own,
// with all expressions computed. The constants of the model that the preset
// names stand for those of the preset. INVALID_ARGUMENT, and the model stays as
// it is: a constant is missing, an expression has no value, no rule matches any
// tensor; or the model is wrong, with the violations of ModelPlan::Make.
absl::Status ApplyPreset(const v1::Preset& preset, v1::ModelSpec& model);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_PRESET_H_
