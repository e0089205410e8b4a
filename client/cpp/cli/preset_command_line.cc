// The command line of presets, and the options that choose some.

#include <memory>

#include "CLI/CLI.hpp"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/preset_options.h"
#include "client/cpp/cli/presets_command.h"

namespace weightinit::cli {

void AddPresetsCommand(CLI::App& app, ChosenCommand& chosen) {
  const auto options = std::make_shared<PresetsOptions>();
  CLI::App* const presets = app.add_subcommand(
      "presets",
      "List the presets of model --preset, or print the file of one");
  AddText(*presets, "NAME", options->name,
          "The preset, or a file of one, which is checked");
  presets->add_flag("--json", options->json, "Print JSON");
  presets->footer(kExitStatusHelp);
  presets->callback([options, &chosen] {
    chosen = [options] { return RunPresets(*options); };
  });
}

void AddPresetOptions(CLI::App& app, PresetOptions& options) {
  app.add_option("--preset", options.presets,
                 "Start the tensors as this preset says, by their names: its "
                 "rules come after the manifest's. A name that weightinit "
                 "presets lists, or the path of a file; may be given several "
                 "times, the last that matches holds")
      ->allow_extra_args(false);
  app.add_option("--constant", options.constants,
                 "NAME=VALUE: a constant of the manifest or of a preset, such "
                 "as layers=12; may be given several times")
      ->allow_extra_args(false);
}

}  // namespace weightinit::cli
