#include "client/cpp/cli/commands.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/report.h"
#include "client/cpp/cli/seed_command.h"
#include "proto/cpp/certificates.h"

namespace weightinit::cli {
namespace {

// What LocalOptions allows.
constexpr int kMaxThreads = 1024;

// The value of a variable of the environment; nothing if it is empty.
std::optional<std::string> Variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// Sets TLS and token.
absl::Status SetSecurity(const ConnectionOptions& options,
                         WeightClientOptions& client) {
  const std::optional<std::string> ca =
      options.tls_ca.has_value() ? options.tls_ca : Variable("WEIGHTINIT_CA");
  if (options.tls || ca.has_value() || options.tls_cert.has_value() ||
      options.tls_key.has_value()) {
    client.tls = TlsOptions{ca.value_or(""), options.tls_cert.value_or(""),
                            options.tls_key.value_or("")};
  }
  client.allow_plaintext_token = options.allow_plaintext_token;
  if (!options.token_file.has_value()) {
    client.token = Variable("WEIGHTINIT_TOKEN").value_or("");
    return absl::OkStatus();
  }
  auto text = ReadSmallFile(*options.token_file);
  if (!text.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--token-file: ", text.status().message()));
  }
  client.token = std::string(absl::StripAsciiWhitespace(*text));
  if (client.token.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--token-file: \"", *options.token_file, "\" is empty"));
  }
  return absl::OkStatus();
}

// An error of WeightClient::Create in the words of the command line.
absl::Status InFlags(const absl::Status& status, const std::string& servers) {
  if (absl::StartsWith(status.message(), "WeightClientOptions.servers")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--server: \"", servers,
                     "\" is not host:port, dns:///host:port or unix:PATH, or "
                     "several of them between "
                     "commas, with a port from 1 to 65535"));
  }
  return absl::Status(
      status.code(),
      absl::StrReplaceAll(
          status.message(),
          {{"WeightClientOptions.tls.ca_file", "--tls-ca"},
           {"WeightClientOptions.tls.cert_file", "--tls-cert"},
           {"WeightClientOptions.tls.key_file", "--tls-key"},
           {"WeightClientOptions.tls: cert_file and key_file",
            "--tls-cert and --tls-key"},
           {"WeightClientOptions.token",
            "the token of --token-file or WEIGHTINIT_TOKEN"},
           {"allow_plaintext_token", "--allow-plaintext-token"},
           {"use TLS", "use TLS (--tls, --tls-ca or WEIGHTINIT_CA)"}}));
}

}  // namespace

absl::StatusOr<std::unique_ptr<WeightClient>> Connect(
    const ConnectionOptions& options) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (options.timeout.has_value()) {
    double seconds = 0;
    if (!absl::SimpleAtod(*options.timeout, &seconds) || !(seconds > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--timeout: \"", *options.timeout,
                       "\" is not a number of seconds above 0"));
    }
    timeout = absl::Seconds(seconds);
  }
  LocalOptions local_options;
  local_options.timeout = timeout;
  if (options.threads.has_value() &&
      (!absl::SimpleAtoi(*options.threads, &local_options.threads) ||
       local_options.threads < 1 || local_options.threads > kMaxThreads)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads: \"", *options.threads,
                     "\" is not an integer from 1 to ", kMaxThreads));
  }
  if (!options.servers.has_value()) return WeightClient::Local(local_options);
  WeightClientOptions client_options;
  client_options.timeout = timeout;
  client_options.servers = absl::StrSplit(*options.servers, ',');
  if (options.parallel.has_value() &&
      (!absl::SimpleAtoi(*options.parallel, &client_options.parallel) ||
       client_options.parallel < 1 || client_options.parallel > kMaxParallel)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--parallel: \"", *options.parallel,
                     "\" is not an integer from 1 to ", kMaxParallel));
  }
  if (absl::Status status = SetSecurity(options, client_options);
      !status.ok()) {
    return status;
  }
  auto client = WeightClient::Create(client_options);
  if (!client.ok()) return InFlags(client.status(), *options.servers);
  return client;
}

absl::Status CheckCanResume(const ConnectionOptions& options) {
  if (options.servers.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--resume: there is no --server; without one nothing is downloaded");
}

absl::Status RunDescribe(const DescribeOptions& options) {
  auto request = ParseRequest(options.request);
  if (!request.ok()) return request.status();
  const std::string seed_name = request->seed_name();
  if (absl::Status status = ResolveSeedHere(options.connection, *request);
      !status.ok()) {
    return status;
  }
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  auto description = (*client)->Describe(DescriptionOf(*request));
  if (!description.ok()) return description.status();
  description->set_seed_name(seed_name);
  if (options.json) return WriteText(STDOUT_FILENO, DescribeJson(*description));
  WriteText(STDERR_FILENO, AdvisoryText(*description)).IgnoreError();
  return WriteText(STDOUT_FILENO, DescribeText(*description));
}

absl::Status RunInfo(const InfoOptions& options) {
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  const auto info = (*client)->Info();
  if (!info.ok()) return info.status();
  return WriteText(STDOUT_FILENO,
                   options.json ? InfoJson(*info) : InfoText(*info));
}

int ExitStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return 2;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return 3;
    case absl::StatusCode::kDataLoss:
      return 4;
    default:
      return 1;
  }
}

}  // namespace weightinit::cli
