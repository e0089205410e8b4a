#include "client/cpp/credentials.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "grpcpp/security/credentials.h"
#include "proto/cpp/certificates.h"

namespace weightinit {
namespace {

absl::Status Bad(absl::string_view option, const absl::Status& why) {
  return absl::InvalidArgumentError(
      absl::StrCat("WeightClientOptions.tls.", option, ": ", why.message()));
}

absl::Status Bad(absl::string_view option, absl::string_view path,
                 const absl::Status& why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "WeightClientOptions.tls.", option, ": \"", path, "\": ", why.message()));
}

absl::string_view HintFor(absl::string_view message, bool tls) {
  if (!tls) {
    return absl::StrContains(message, "Socket closed") ||
                   absl::StrContains(message, "Connection reset")
               ? "a server that speaks TLS does so; this client does not"
               : "";
  }
  if (absl::StrContains(message, "WRONG_VERSION_NUMBER") ||
      absl::StrContains(message, "wrong version number")) {
    return "the server does not speak TLS";
  }
  if (absl::StrContains(message, "CERTIFICATE_VERIFY_FAILED") ||
      absl::StrContains(message, "certificate verify failed") ||
      // Of a signature by another key of the same name.
      absl::StrContains(message, "asn1 encoding routines") ||
      absl::StrContains(message, "provider signature failure") ||
      absl::StrContains(message, "is not in peer certificate") ||
      absl::StrContains(message, "Hostname Verification Check failed")) {
    return "the server's certificate is not one that this client trusts for "
           "that host";
  }
  if (absl::StrContains(message, "Socket closed") ||
      absl::StrContains(message, "CERTIFICATE_REQUIRED") ||
      absl::StrContains(message, "certificate required") ||
      absl::StrContains(message, "unknown ca") ||
      absl::StrContains(message, "Handshake read failed")) {
    return "the server may want a client certificate that it trusts";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>
MakeChannelCredentials(const WeightClientOptions& options) {
  if (!options.tls.has_value()) return grpc::InsecureChannelCredentials();
  const TlsOptions& tls = *options.tls;
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    return absl::InvalidArgumentError(
        "WeightClientOptions.tls: cert_file and key_file are given together");
  }
  const absl::Time now = absl::Now();
  grpc::SslCredentialsOptions ssl;
  if (!tls.ca_file.empty()) {
    auto ca = ReadSmallFile(tls.ca_file);
    if (!ca.ok()) return Bad("ca_file", ca.status());
    const absl::Status status = CheckAuthorities(*ca, now);
    if (!status.ok()) return Bad("ca_file", tls.ca_file, status);
    ssl.pem_root_certs = *std::move(ca);
  }
  if (!tls.cert_file.empty()) {
    auto chain = ReadSmallFile(tls.cert_file);
    if (!chain.ok()) return Bad("cert_file", chain.status());
    auto key = ReadSmallFile(tls.key_file);
    if (!key.ok()) return Bad("key_file", key.status());
    absl::Status status = CheckChain(*chain, now).status();
    if (!status.ok()) return Bad("cert_file", tls.cert_file, status);
    status = CheckKey(*key, *chain);
    if (!status.ok()) return Bad("key_file", tls.key_file, status);
    ssl.pem_cert_chain = *std::move(chain);
    ssl.pem_private_key = *std::move(key);
  }
  return grpc::SslCredentials(ssl);
}

std::shared_ptr<grpc::ChannelCredentials> MakeSocketCredentials() {
  return grpc::InsecureChannelCredentials();
}

absl::Status WithTlsHint(const absl::Status& status,
                         const WeightClientOptions& options) {
  if (!absl::IsUnavailable(status)) return status;
  const absl::string_view hint =
      HintFor(status.message(), options.tls.has_value());
  if (hint.empty()) return status;
  return absl::UnavailableError(
      absl::StrCat(status.message(), " (", hint, ")"));
}

}  // namespace weightinit
