// The command lines of model.

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/model_command.h"

namespace weightinit::cli {
namespace {

void AddModelOptions(CLI::App& app, ModelOptions& options) {
  app.add_option("MANIFEST", options.manifest,
                 "The model, in YAML or JSON; - for standard input")
      ->required();
  AddText(app, "--seed", options.seed,
          "0 to 2^64 - 1, decimal or 0x hex. Default: 0");
  AddText(app, "--seed-name", options.seed_name,
          "A name in place of --seed, from which the server derives the seed");
  app.add_option("--only", options.only,
                 "Only tensors whose name matches this pattern, in which * is "
                 "any text and ? one character; may be given several times. "
                 "Default: all");
  AddThreadsOption(app, options.connection);
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
      model.add_subcommand("init", "Compute a model and store it in one file");
  AddModelOptions(*init, options->model);
  init->add_option("-o,--output", options->output,
                   "File to write, NAME.safetensors. It appears when it is "
                   "complete; its bytes do not depend on the order of the "
                   "manifest's entries")
      ->required();
  init->callback([options, &chosen] {
    chosen = [options] { return RunModelInit(*options); };
  });
}

void AddVerify(CLI::App& model, ChosenCommand& chosen) {
  const auto options = std::make_shared<ModelVerifyOptions>();
  CLI::App* const verify = model.add_subcommand(
      "verify", "Compute a model again and compare it with a file");
  verify->add_option("FILE", options->file, "The .safetensors file")
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
