// weightinit schemes

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SCHEMES_COMMAND_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SCHEMES_COMMAND_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/cpp/cli/commands.h"

namespace weightinit::cli {

struct SchemesOptions {
  std::optional<std::string> name;  // Or an alias; nothing for all schemes.
  ConnectionOptions connection;
  bool json = false;
};

// Prints the schemes of the service, a line each, or all about one.
absl::Status RunSchemes(const SchemesOptions& options);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SCHEMES_COMMAND_H_
