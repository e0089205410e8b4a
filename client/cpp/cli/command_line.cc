#include "client/cpp/cli/command_line.h"

#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/commands.h"
#include "weightinit/client/weight_client.h"

namespace weightinit::cli {

const char kExitStatusHelp[] =
    "\nExit status: 0 success; 1 failure at run time, such as a file that "
    "cannot be\n"
    "written, and of model diff, that the models differ; 2 usage: a bad "
    "option, "
    "or a\n"
    "request that the service rejects;\n"
    "3 service unavailable, overloaded or too slow; 4 the data received "
    "failed\n"
    "verification; 128 + n ended by signal n. Unless it is 0, the output file "
    "is as it\n"
    "was before. Data and results go to standard output, messages to standard "
    "error.";

CLI::Option* AddText(CLI::App& app, const std::string& names,
                     std::optional<std::string>& target,
                     const std::string& help) {
  return app.add_option_function<std::string>(
      names, [&target](const std::string& text) { target = text; }, help);
}

void AddConnectionOptions(CLI::App& app, ConnectionOptions& options,
                          bool& json) {
  AddText(app, "--server", options.servers,
          "HOST:PORT of the server, unix:PATH, or dns:///HOST:PORT for every "
          "address of a name; several between commas share the work, and take "
          "over from "
          "each other. Without it this process computes");
  AddText(app, "--timeout", options.timeout,
          "Give up after this many seconds. Default: never");
  app.add_flag("--tls", options.tls,
               "Speak TLS with the server, whose certificate is signed by one "
               "that this machine trusts");
  AddText(app, "--tls-ca", options.tls_ca,
          "Likewise, by one of this file; WEIGHTINIT_CA names it too");
  AddText(app, "--tls-cert", options.tls_cert,
          "File with a certificate to show to the server; with --tls-key");
  AddText(app, "--tls-key", options.tls_key, "File with its key");
  AddText(app, "--token-file", options.token_file,
          "File with the token to show to the server, which WEIGHTINIT_TOKEN "
          "may hold too");
  app.add_flag("--allow-plaintext-token", options.allow_plaintext_token,
               "Show the token without TLS to a server that is not on "
               "loopback");
  app.add_flag("--json", json, "Print one JSON object");
}

void AddSpeedOptions(CLI::App& app, ConnectionOptions& options) {
  AddText(app, "--threads", options.threads,
          "Threads that compute when there is no --server. Default: one for "
          "each core");
  AddText(app, "--parallel", options.parallel,
          absl::StrCat("Streams at once when there is a --server, 1 to ",
                       kMaxParallel,
                       ": they share the bytes, and go on for each other. "
                       "Default: one for each address of the servers"));
}

void AddRootSeedOption(CLI::App& app, ConnectionOptions& options) {
  AddText(
      app, "--root-seed-file", options.root_seed_file,
      "File with the root seed of the servers, to derive the seed of a name "
      "without --server");
}

void RequireSubcommand(CLI::App& command, ChosenCommand& chosen) {
  command.require_subcommand(0, 1);
  command.callback([&command, &chosen] {
    if (chosen) return;
    std::string prefix;
    if (command.get_parent() != nullptr) {
      prefix = absl::StrCat(command.get_name(), ": ");
    }
    const CLI::App& group = command;
    std::vector<std::string> names;
    for (const CLI::App* const subcommand : group.get_subcommands({})) {
      names.push_back(subcommand->get_name());
    }
    chosen = [error = absl::InvalidArgumentError(
                  absl::StrCat(prefix, "a subcommand is required: ",
                               absl::StrJoin(names, ", "), "\nRun weightinit ",
                               command.get_parent() != nullptr
                                   ? absl::StrCat(command.get_name(), " ")
                                   : "",
                               "--help for the options."))] { return error; };
  });
}

}  // namespace weightinit::cli
