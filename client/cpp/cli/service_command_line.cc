// The command lines of info, schemes and seed.

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/schemes_command.h"
#include "client/cpp/cli/seed_command.h"

namespace weightinit::cli {

void AddInfoCommand(CLI::App& app, ChosenCommand& chosen) {
  const auto options = std::make_shared<InfoOptions>();
  CLI::App* const info = app.add_subcommand(
      "info", "Show the service's version, capabilities and limits");
  AddConnectionOptions(*info, options->connection, options->json);
  info->footer(kExitStatusHelp);
  info->callback(
      [options, &chosen] { chosen = [options] { return RunInfo(*options); }; });
}

void AddSchemesCommand(CLI::App& app, ChosenCommand& chosen) {
  const auto options = std::make_shared<SchemesOptions>();
  CLI::App* const schemes = app.add_subcommand(
      "schemes", "List the schemes, or show all about one of them");
  schemes->add_option("NAME", options->name, "The scheme, or an alias of it");
  AddConnectionOptions(*schemes, options->connection, options->json);
  schemes->footer(kExitStatusHelp);
  schemes->callback([options, &chosen] {
    chosen = [options] { return RunSchemes(*options); };
  });
}

void AddSeedCommands(CLI::App& app, ChosenCommand& chosen) {
  CLI::App* const seed =
      app.add_subcommand("seed", "Show the numbers of seeds that have names");
  const auto options = std::make_shared<ResolveSeedOptions>();
  CLI::App* const resolve =
      seed->add_subcommand("resolve", "Print the seed of a name, for --seed");
  resolve->add_option("NAME", options->seed_name, "The name")->required();
  AddConnectionOptions(*resolve, options->connection, options->json);
  resolve->get_option("--server")
      ->description(
          "HOST:PORT of the server that derives it; several between commas "
          "take over from each other");
  AddRootSeedOption(*resolve, options->connection);
  resolve->footer(kExitStatusHelp);
  resolve->callback([options, &chosen] {
    chosen = [options] { return RunResolveSeed(*options); };
  });
  RequireSubcommand(*seed, chosen);
}

}  // namespace weightinit::cli
