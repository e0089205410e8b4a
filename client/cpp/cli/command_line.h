// The command line: each subcommand with its options and their help.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_COMMAND_LINE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_COMMAND_LINE_H_

#include <functional>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/preset_options.h"

namespace weightinit::cli {

// What the command line asks for; empty until it has been parsed.
using ChosenCommand = std::function<absl::Status()>;

// Each adds subcommands to `app`; parsing one sets `chosen`, which has to
// outlive the parsing.
void AddTensorCommands(CLI::App& app, ChosenCommand& chosen);
void AddInfoCommand(CLI::App& app, ChosenCommand& chosen);
void AddSchemesCommand(CLI::App& app, ChosenCommand& chosen);
void AddPresetsCommand(CLI::App& app, ChosenCommand& chosen);
void AddSeedCommands(CLI::App& app, ChosenCommand& chosen);
void AddModelCommands(CLI::App& app, ChosenCommand& chosen);
// To `weightinit model`.
void AddFromSafetensorsCommand(CLI::App& model, ChosenCommand& chosen);
void AddDiffCommand(CLI::App& model, ChosenCommand& chosen);

// What the help of every subcommand ends with.
extern const char kExitStatusHelp[];

// An option that keeps the text as typed, the empty one too.
CLI::Option* AddText(CLI::App& app, const std::string& names,
                     std::optional<std::string>& target,
                     const std::string& help);

// --server, --timeout, --json.
void AddConnectionOptions(CLI::App& app, ConnectionOptions& options,
                          bool& json);
// --threads, --parallel.
void AddSpeedOptions(CLI::App& app, ConnectionOptions& options);
// --root-seed-file.
void AddRootSeedOption(CLI::App& app, ConnectionOptions& options);

// --preset, --constant.
void AddPresetOptions(CLI::App& app, PresetOptions& options);

// Makes `command`, a group of subcommands, fail where none is given.
void RequireSubcommand(CLI::App& command, ChosenCommand& chosen);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_COMMAND_LINE_H_
