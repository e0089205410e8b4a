#include "client/cpp/cli/seed_command.h"

#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/report.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/seed_name.h"

namespace weightinit::cli {
namespace {

absl::Status CheckSource(const ConnectionOptions& connection) {
  if (!connection.servers.has_value() &&
      !connection.root_seed_file.has_value()) {
    return absl::InvalidArgumentError(
        "the seed of a name needs --server, or --root-seed-file to derive it "
        "in this process");
  }
  if (connection.servers.has_value() && connection.root_seed_file.has_value()) {
    return absl::InvalidArgumentError(
        "--root-seed-file and --server: give one of the two; a server has a "
        "root seed of its own");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SeedFromFile(const std::string& path,
                                      const std::string& seed_name) {
  const auto file = ReadRootSeedFile(path);
  if (!file.ok()) {
    return absl::Status(
        file.status().code(),
        absl::StrCat("--root-seed-file: ", file.status().message()));
  }
  return SeedInForce(0, seed_name, &file->root_seed);
}

absl::StatusOr<uint64_t> ResolveSeed(const ResolveSeedOptions& options) {
  const ConnectionOptions& connection = options.connection;
  if (options.seed_name.empty()) {
    return absl::InvalidArgumentError("NAME: is empty");
  }
  if (absl::Status status = CheckSource(connection); !status.ok()) {
    return status;
  }
  if (connection.root_seed_file.has_value()) {
    return SeedFromFile(*connection.root_seed_file, options.seed_name);
  }
  const auto client = Connect(connection);
  if (!client.ok()) return client.status();
  return (*client)->ResolveSeed(options.seed_name);
}

}  // namespace

absl::Status RunResolveSeed(const ResolveSeedOptions& options) {
  const absl::StatusOr<uint64_t> seed = ResolveSeed(options);
  if (!seed.ok()) return seed.status();
  return WriteText(STDOUT_FILENO, options.json
                                      ? SeedJson(options.seed_name, *seed)
                                      : absl::StrCat(*seed, "\n"));
}

absl::Status ResolveSeedHere(const ConnectionOptions& connection,
                             v1::InitializeTensorRequest& request) {
  if (request.seed_name().empty()) {
    if (!connection.root_seed_file.has_value()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "--root-seed-file: is of use only with --seed-name");
  }
  if (absl::Status status = CheckSource(connection); !status.ok()) {
    return status;
  }
  if (!connection.root_seed_file.has_value()) return absl::OkStatus();
  const absl::StatusOr<uint64_t> seed =
      SeedFromFile(*connection.root_seed_file, request.seed_name());
  if (!seed.ok()) return seed.status();
  request.set_seed(*seed);
  request.clear_seed_name();
  return absl::OkStatus();
}

}  // namespace weightinit::cli
