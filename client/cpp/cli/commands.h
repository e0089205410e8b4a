// The subcommands.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_COMMANDS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_COMMANDS_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/cli/request_options.h"
#include "weightinit/client/weight_client.h"

namespace weightinit::cli {

// Who computes, as typed.
struct ConnectionOptions {
  // Comma-separated host:port, dns:///host:port or unix:PATH; nothing to
  // compute in this process.
  std::optional<std::string> servers;
  std::optional<std::string> timeout;  // In seconds.
  // Path, for the service inside this process; servers have their own.
  std::optional<std::string> root_seed_file;
  std::optional<std::string> threads;   // Without servers.
  std::optional<std::string> parallel;  // With them: streams at once.
  // Likewise with servers: TLS if one of these is set, and who calls.
  bool tls = false;
  std::optional<std::string> tls_ca;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> token_file;
  bool allow_plaintext_token = false;
};

struct InitOptions {
  RequestOptions request;
  ConnectionOptions connection;
  // A path, or "-" for standard output; nothing to store nothing.
  std::optional<std::string> output;
  std::optional<std::string> format;
  bool sha256 = false;
  // Keep a download that is broken off, and go on with one that is there.
  bool resume = false;
  bool json = false;
};

struct DescribeOptions {
  RequestOptions request;
  ConnectionOptions connection;
  bool json = false;
};

struct InfoOptions {
  ConnectionOptions connection;
  bool json = false;
};

// Each prints its result; an error is for the caller to print.
absl::Status RunInit(const InitOptions& options);
absl::Status RunDescribe(const DescribeOptions& options);
absl::Status RunInfo(const InfoOptions& options);

// A client of the servers, or one that computes in this process.
absl::StatusOr<std::unique_ptr<WeightClient>> Connect(
    const ConnectionOptions& options);

// INVALID_ARGUMENT: nothing is downloaded that --resume could keep or continue.
absl::Status CheckCanResume(const ConnectionOptions& options);

// The exit status that stands for `status`: 0 success, 1 failure at run time, 2
// usage, 3 no answer from the service, 4 data that failed verification.
int ExitStatus(const absl::Status& status);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_COMMANDS_H_
