// The command lines of model.

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/model_command.h"
#include "client/cpp/cli/model_selection.h"

namespace weightinit::cli {
namespace {

void AddPartOptions(CLI::App& app, SelectionOptions& parts) {
  const char* const group = "Parts of tensors";
  app.add_option(
         "--shard", parts.shards,
         "[PATTERN=]INDEX/COUNT[:AXIS]: of each tensor, or of those "
         "whose name matches, only this share along a dimension. INDEX "
         "counts from 0. As torch.chunk cuts: every share has "
         "ceil(size / COUNT) of the dimension, the last ones fewer or "
         "nothing. It has to exist in every tensor that matches. May be "
         "given several times; the last that matches holds")
      ->allow_extra_args(false)
      ->group(group);
  AddText(app, "--axis", parts.axis,
          "Dimension of the --shard that names none, counted from 0 in the "
          "order of the shape. Default: 0")
      ->group(group);
  app.add_option(
         "--slice", parts.slices,
         "PATTERN=START:STOP,START:STOP: of the tensors whose name "
         "matches, only these ranges of the first dimensions, as "
         "'fc1.weight=0:16,:'; 'PATTERN=:' is all. May be given several "
         "times; the last that matches holds, also before any --shard")
      ->allow_extra_args(false)
      ->group(group);
}

void AddModelOptions(CLI::App& app, ModelOptions& options) {
  app.add_option("MANIFEST", options.manifest,
                 "The model, in YAML or JSON; - for standard input")
      ->required();
  AddPresetOptions(app, options.presets);
  AddText(app, "--seed", options.seed,
          "0 to 2^64 - 1, decimal or 0x hex. Default: 0");
  AddText(app, "--seed-name", options.seed_name,
          "A name in place of --seed, from which the server derives the seed");
  app.add_option("--only", options.only,
                 "Only tensors whose name matches this pattern, in which * is "
                 "any text and ? one character; may be given several times. "
                 "Default: all")
      ->allow_extra_args(false);
  AddPartOptions(app, options.parts);
  AddSpeedOptions(app, options.connection);
  AddConnectionOptions(app, options.connection, options.json);
  AddRootSeedOption(app, options.connection);
  app.footer(kExitStatusHelp);
}

void AddPlan(CLI::App& model, ChosenCommand& chosen) {
  const auto options = std::make_shared<ModelOptions>();
  CLI::App* const plan = model.add_subcommand(
      "plan", "List the tensors of a model, and compute nothing");
  AddModelOptions(*plan, *options);
  plan->callback([options, &chosen] {
    chosen = [options] { return RunModelPlan(*options); };
  });
}

void AddInit(CLI::App& model, ChosenCommand& chosen) {
  const auto options = std::make_shared<ModelInitOptions>();
  CLI::App* const init =
      model.add_subcommand("init", "Compute a model and store it");
  AddModelOptions(*init, options->model);
  init->add_option("-o,--output", options->output,
                   "File to write, NAME.safetensors, .npz or .bin (raw), or a "
                   "directory, NAME or NAME/, which gets model.safetensors, or "
                   "several files and their index. It appears when it is "
                   "complete; the bytes of .safetensors and .npz files do not "
                   "depend on the order of the manifest's entries")
      ->required();
  AddText(*init, "--max-file-bytes", options->max_file_bytes,
          "Of a directory: bytes of tensors in one file; a larger tensor has a "
          "file of its own. Default: 5000000000");
  init->add_flag("--resume", options->resume,
                 "With --server: if the download breaks off, keep it as "
                 "OUTPUT.partial and OUTPUT.partial.state, and go on from "
                 "there the next time, with what is found intact. Default: "
                 "nothing partial stays");
  init->callback([options, &chosen] {
    chosen = [options] { return RunModelInit(*options); };
  });
}

void AddVerify(CLI::App& model, ChosenCommand& chosen) {
  const auto options = std::make_shared<ModelVerifyOptions>();
  CLI::App* const verify = model.add_subcommand(
      "verify", "Compute a model again and compare it with its files");
  verify
      ->add_option("FILE", options->file,
                   "The .safetensors, .npz or .bin file, or a directory with "
                   "model.safetensors or its index")
      ->required();
  AddModelOptions(*verify, options->model);
  verify->callback([options, &chosen] {
    chosen = [options] { return RunModelVerify(*options); };
  });
}

}  // namespace

void AddModelCommands(CLI::App& app, ChosenCommand& chosen) {
  CLI::App* const model = app.add_subcommand(
      "model", "Whole models, from a manifest in YAML or JSON");
  AddPlan(*model, chosen);
  AddInit(*model, chosen);
  AddVerify(*model, chosen);
  AddFromSafetensorsCommand(*model, chosen);
  AddDiffCommand(*model, chosen);
  RequireSubcommand(*model, chosen);
}

}  // namespace weightinit::cli
