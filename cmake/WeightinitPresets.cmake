# weightinit_preset_texts(file): writes a C++ source that has the files of client/presets as
# texts, see client/cpp/presets/preset_texts.h. It changes when one of them does.
function(weightinit_preset_texts file)
  file(GLOB presets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/client/presets/*.yaml)
  list(SORT presets)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${presets})
  set(rows)
  foreach(preset IN LISTS presets)
    cmake_path(GET preset STEM name)
    file(READ ${preset} text)
    string(APPEND rows "      {\"${name}\", R\"preset(${text})preset\"},\n")
  endforeach()
  file(GENERATE OUTPUT ${file} CONTENT
"// Made by cmake/WeightinitPresets.cmake of client/presets.

#include \"client/cpp/presets/preset_texts.h\"

#include <vector>

namespace weightinit {

const std::vector<NamedPresetText>& PresetTexts() {
  static const auto& texts = *new std::vector<NamedPresetText>{
${rows}  };
  return texts;
}

}  // namespace weightinit
")
endfunction()
