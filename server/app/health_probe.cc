#include "server/app/health_probe.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/support/channel_arguments.h"
#include "proto/cpp/certificates.h"

namespace weightinit {
namespace {

// Ways to set providers: that of later versions of gRPC, and that of 1.51,
// which is taken where the first does not compile.
struct OldWay {};
struct NewWay : OldWay {};

template <typename Options, typename Provider>
auto SetIdentity(Options& options, const Provider& provider, NewWay /*way*/)
    -> decltype(options.set_identity_certificate_provider(provider)) {
  options.set_identity_certificate_provider(provider);
}
template <typename Options, typename Provider>
void SetIdentity(Options& options, const Provider& provider, OldWay /*way*/) {
  options.set_certificate_provider(provider);
  options.watch_identity_key_cert_pairs();
}

std::string Reachable(const std::string& address) {
  absl::string_view port = address;
  if (absl::ConsumePrefix(&port, "0.0.0.0:") ||
      absl::ConsumePrefix(&port, "[::]:")) {
    return absl::StrCat("127.0.0.1:", port);
  }
  return address;
}

// Those of `flag`, if it was given.
absl::StatusOr<std::string> ReadIfGiven(absl::string_view flag,
                                        const std::string& path) {
  if (path.empty()) return "";
  auto text = ReadSmallFile(path);
  if (text.ok()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(flag, ": ", text.status().message()));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(
    const ProbeOptions& options) {
  if ((options.ca.empty() && options.own.cert.empty()) ||
      absl::StartsWith(options.address, "unix:")) {
    return grpc::InsecureChannelCredentials();
  }
  const auto ca = ReadIfGiven("--tls-ca", options.ca);
  const auto cert = ReadIfGiven("--tls-cert", options.own.cert);
  const auto key = ReadIfGiven("--tls-key", options.own.key);
  for (const auto* text : {&ca, &cert, &key}) {
    if (!text->ok()) return text->status();
  }
  if (!ca->empty()) {
    return grpc::SslCredentials({*ca, *key, *cert});
  }
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(
      std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  SetIdentity(
      tls,
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
          std::vector<grpc::experimental::IdentityKeyCertPair>{{*key, *cert}}),
      NewWay());
  return grpc::experimental::TlsCredentials(tls);
}

}  // namespace

absl::Status ProbeHealth(const ProbeOptions& options) {
  const std::string& address = options.address;
  const auto credentials = CredentialsFor(options);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel =
      grpc::CreateCustomChannel(Reachable(address), *credentials, arguments);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = grpc::health::v1::Health::NewStub(channel)->Check(
      &context, {}, &response);
  if (!status.ok()) {
    return absl::UnavailableError(
        absl::StrCat(address, ": ", status.error_message()));
  }
  if (response.status() != grpc::health::v1::HealthCheckResponse::SERVING) {
    return absl::UnavailableError(
        absl::StrCat(address, ": ",
                     grpc::health::v1::HealthCheckResponse::ServingStatus_Name(
                         response.status())));
  }
  return absl::OkStatus();
}

}  // namespace weightinit
