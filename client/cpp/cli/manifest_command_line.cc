// The command lines of model that are about manifests alone.

#include <memory>

#include "CLI/CLI.hpp"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/diff_command.h"
#include "client/cpp/cli/from_safetensors_command.h"

namespace weightinit::cli {

void AddFromSafetensorsCommand(CLI::App& model, ChosenCommand& chosen) {
  const auto options = std::make_shared<FromSafetensorsOptions>();
  CLI::App* const command = model.add_subcommand(
      "from-safetensors",
      "Make a manifest from the header of a checkpoint, to initialise its "
      "model anew.\nBy their names and ranks, weights of norms start with 1, "
      "biases with 0,\nembeddings normal with deviation 1, other tensors of "
      "rank 2 or more by the scheme\nof the activation. Any other tensor is "
      "named in an advisory; it starts with 1\nif it is called weight, scale "
      "or gamma, otherwise with 0");
  command
      ->add_option("FILE", options->file,
                   "The .safetensors file, of which only the header is read; "
                   "its first bytes do. Or an index.json of several, or a "
                   "directory with one of the two")
      ->required();
  AddText(*command, "-o,--output", options->output,
          "File to write; JSON if it ends in .json. Default: standard output");
  AddText(*command, "--activation", options->activation,
          "What follows the weights, such as relu: it chooses their scheme. "
          "Default: linear");
  AddText(*command, "--layout", options->layout,
          "Order of the dimensions, which a header does not tell: out_in, or "
          "in_out for GPT-2 and Keras; embeddings are the same in both. "
          "Default: out_in");
  command->add_option("--skip", options->skip,
                      "Leave out tensors whose name matches this pattern, such "
                      "as '*.num_batches_tracked'; may be given several times");
  AddPresetOptions(*command, options->presets);
  command->get_option("--preset")
      ->description(
          "Write the rules of this preset into the manifest; a name that "
          "weightinit presets lists, or the path of a file; may be given "
          "several "
          "times");
  command->add_flag("--json", options->json, "Write JSON");
  command->footer(kExitStatusHelp);
  command->callback([options, &chosen] {
    chosen = [options] { return RunFromSafetensors(*options); };
  });
}

void AddDiffCommand(CLI::App& model, ChosenCommand& chosen) {
  const auto options = std::make_shared<ModelDiffOptions>();
  CLI::App* const command = model.add_subcommand(
      "diff", "Compare two models, tensor by tensor, whatever the seed");
  command
      ->add_option("A", options->a,
                   "A manifest, in YAML or JSON; - for standard input")
      ->required();
  command->add_option("B", options->b, "Another one")->required();
  AddPresetOptions(*command, options->presets);
  command->get_option("--preset")
      ->description(
          "Apply this preset to B; a name that weightinit presets lists, or "
          "the "
          "path of a file; may be given several times");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(kExitStatusHelp);
  command->callback([options, &chosen] {
    chosen = [options] { return RunModelDiff(*options); };
  });
}

}  // namespace weightinit::cli
