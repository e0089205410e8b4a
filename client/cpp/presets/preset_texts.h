// The files of client/presets, which the build puts into the library.

#ifndef WEIGHTINIT_CLIENT_CPP_PRESETS_PRESET_TEXTS_H_
#define WEIGHTINIT_CLIENT_CPP_PRESETS_PRESET_TEXTS_H_

#include <vector>

#include "absl/strings/string_view.h"

namespace weightinit {

struct NamedPresetText {
  absl::string_view name;  // The file's, without ".yaml".
  absl::string_view text;
};

// Sorted by name.
const std::vector<NamedPresetText>& PresetTexts();

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_PRESETS_PRESET_TEXTS_H_
