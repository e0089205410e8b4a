// Seeds of names: the subcommand `seed resolve`, and --seed-name without a
// server.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_SEED_COMMAND_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_SEED_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "client/cpp/cli/commands.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

struct ResolveSeedOptions {
  std::string seed_name;
  ConnectionOptions connection;
  bool json = false;
};

// Prints the seed of a name; an error is for the caller to print.
absl::Status RunResolveSeed(const ResolveSeedOptions& options);

// Where `request` names its seed and there is no server to derive it: replaces
// the name by the number that the root seed in the file gives it.
// INVALID_ARGUMENT: there is neither server nor file, or a file that is of no
// use.
absl::Status ResolveSeedHere(const ConnectionOptions& connection,
                             v1::InitializeTensorRequest& request);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_SEED_COMMAND_H_
