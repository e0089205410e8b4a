// The command line `weightinit`.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/command_line.h"
#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/interrupt.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/temporary.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"

namespace weightinit::cli {
namespace {

// Standard streams that the parent closed must not become the output file.
void OpenStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Read-only: what is written to them still fails.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0) _exit(1);
  }
}

int Report(const absl::Status& status) {
  if (!status.ok()) {
    WriteText(STDERR_FILENO,
              absl::StrCat("weightinit: ", status.message(), "\n"))
        .IgnoreError();
  }
  return ExitStatus(status);
}

// The answer to --help, --version or a command line that does not parse.
int ReportParsing(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out;
  std::ostringstream err;
  if (app.exit(error, out, err) != 0) {
    return Report(absl::InvalidArgumentError(absl::StrCat(
        error.what(), "\nRun weightinit --help for the options.")));
  }
  return Report(WriteText(STDOUT_FILENO, out.str()));
}

// As CLI::App::parse takes them, the last one first. "--name=", which CLI11
// would give the next argument for its value, becomes "--name" and "".
std::vector<std::string> ReversedArguments(int argc, char** argv) {
  std::vector<std::string> arguments;
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    options = options && argument != "--";
    if (options && argument.rfind("--", 0) == 0 && argument.size() > 3 &&
        argument.find('=') == argument.size() - 1) {
      arguments.push_back(argument.substr(0, argument.size() - 1));
      arguments.emplace_back();
    } else {
      arguments.push_back(argument);
    }
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

int Main(int argc, char** argv) {
  OpenStandardStreams();
  // A closed pipe and a file size limit are errors of write, told like others.
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    if (std::signal(number, SIG_IGN) == SIG_ERR) return 1;
  }
  ExitOnSignals(&RemoveTemporary);

  CLI::App app("Deterministic initial weights of neural networks.",
               "weightinit");
  app.set_version_flag("--version", absl::StrCat("weightinit ", kVersion));
  app.footer(kExitStatusHelp);

  std::string simd_target;
  app.add_option("--simd-target", simd_target,
                 "Instruction set to compute with when there is no --server, "
                 "such as avx2; it changes no bit. Default: the best of this "
                 "machine")
      ->envname("WEIGHTINIT_TARGET");

  ChosenCommand chosen;
  AddTensorCommands(app, chosen);
  AddInfoCommand(app, chosen);
  AddSchemesCommand(app, chosen);
  AddPresetsCommand(app, chosen);
  AddSeedCommands(app, chosen);
  AddModelCommands(app, chosen);
  RequireSubcommand(app, chosen);

  try {
    app.parse(ReversedArguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    return ReportParsing(app, error);
  }
  if (const absl::Status forced = ForceSimdTarget(simd_target); !forced.ok()) {
    return Report(forced);
  }
  return Report(chosen());
}

}  // namespace
}  // namespace weightinit::cli

int main(int argc, char** argv) {
  try {
    return weightinit::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, most likely: as little as can be.
    [[maybe_unused]] const ssize_t written =
        write(STDERR_FILENO, error.what(), std::strlen(error.what()));
    return 1;
  }
}
