#include "server/security/security.h"

#include <arpa/inet.h>

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_context.h"
#include "server/listen/listen_address.h"

namespace weightinit {
namespace {

// How often the files are looked at.
constexpr absl::Duration kInterval = absl::Seconds(1);

constexpr absl::string_view kBearer = "bearer ";

absl::string_view View(const grpc::string_ref& text) {
  return {text.data(), text.size()};
}

bool IsLoopback(const ListenAddress& address) {
  in_addr number{};
  return address.host == "localhost" || address.bare_host() == "::1" ||
         (absl::StartsWith(address.host, "127.") &&
          inet_pton(AF_INET, address.host.c_str(), &number) == 1);
}

// What follows "Bearer" in the call's authorization; nothing without one.
std::optional<absl::string_view> TokenOf(
    const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto [begin, end] = metadata.equal_range("authorization");
  if (begin == end) return std::nullopt;
  const absl::string_view value = View(begin->second);
  // Of two it would not be known which decides.
  if (std::next(begin) != end || !absl::StartsWithIgnoreCase(value, kBearer)) {
    return absl::string_view();
  }
  return value.substr(kBearer.size());
}

const Client* OfCertificate(const AccessList& access,
                            const grpc::AuthContext& peer) {
  for (const grpc::string_ref& name : peer.FindPropertyValues("peer_dns")) {
    if (const Client* client = access.OfDnsName(View(name))) return client;
  }
  for (const grpc::string_ref& uri : peer.FindPropertyValues("peer_uri")) {
    if (const Client* client = access.OfUri(View(uri))) return client;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Security>> Security::Start(
    const SecurityOptions& options,
    const std::vector<ListenAddress>& addresses) {
  std::unique_ptr<Security> security(new Security(options, addresses));
  absl::Status status = security->CheckOptions();
  if (!status.ok()) return status;
  if (!options.tls.cert.empty()) {
    auto tls = TlsIdentity::Load(options.tls);
    if (!tls.ok()) return tls.status();
    security->tls_ = *std::move(tls);
  }
  if (!options.access_file.empty()) {
    security->access_file_.emplace(
        std::vector<WatchedFiles::File>{{"--access-file", options.access_file}},
        [raw = security.get()](const std::vector<std::string>& texts) {
          return raw->UseAccess(texts[0]);
        });
    status = security->access_file_->Load();
    if (!status.ok()) return status;
  }
  if (security->tls_ != nullptr || security->access_file_.has_value()) {
    security->ticker_.emplace(kInterval,
                              [raw = security.get()] { raw->Look(); });
  }
  return security;
}

Security::Security(SecurityOptions options,
                   const std::vector<ListenAddress>& addresses)
    : options_(std::move(options)) {
  if (!options_.tls.cert.empty() || options_.allow_plaintext_tokens) return;
  for (const ListenAddress& address : addresses) {
    if (!address.is_unix() && !IsLoopback(address)) {
      exposed_address_ = address.text();
    }
  }
}

absl::Status Security::CheckOptions() const {
  const TlsFiles& tls = options_.tls;
  if (tls.cert.empty() != tls.key.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(tls.cert.empty() ? "--tls-key" : "--tls-cert",
                     ": --tls-cert and --tls-key are given together"));
  }
  if (tls.cert.empty() && !tls.client_ca.empty()) {
    return absl::InvalidArgumentError(
        "--tls-client-ca: it needs --tls-cert and --tls-key");
  }
  if (options_.client_certificate_optional &&
      (tls.client_ca.empty() || options_.access_file.empty())) {
    return absl::InvalidArgumentError(
        "--tls-client-certificate: optional needs --tls-client-ca and, so that "
        "those without a certificate are known by tokens, --access-file");
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::ServerCredentials> Security::TcpCredentials() const {
  if (tls_ == nullptr) return grpc::InsecureServerCredentials();
  return tls_->Credentials(options_.client_certificate_optional);
}

std::shared_ptr<grpc::ServerCredentials> Security::UnixCredentials() {
  return grpc::InsecureServerCredentials();
}

absl::StatusOr<std::shared_ptr<const Client>> Security::Identify(
    const grpc::ServerContextBase& context) const {
  if (!access_file_.has_value()) return nullptr;
  std::shared_ptr<const AccessList> access;
  {
    const absl::MutexLock lock(&mutex_);
    access = access_;
  }
  const std::optional<absl::string_view> token = TokenOf(context);
  const Client* const client =
      token.has_value() ? access->OfToken(*token)
                        : OfCertificate(*access, *context.auth_context());
  if (client == nullptr) {
    return absl::UnauthenticatedError(
        token.has_value()
            ? "the token is not known here, or not given as: authorization: "
              "Bearer TOKEN"
            : "this server answers only those who show a token (authorization: "
              "Bearer TOKEN) or a client certificate that it knows");
  }
  return std::shared_ptr<const Client>(access, client);
}

SecurityFigures Security::figures() const {
  SecurityFigures figures;
  if (tls_ != nullptr) {
    figures.certificate_expiry = tls_->expiry();
    figures.tls = tls_->counts();
  }
  if (access_file_.has_value()) figures.access = access_file_->counts();
  return figures;
}

absl::Status Security::UseAccess(const std::string& text) {
  auto list = AccessList::Parse(text, options_.access_file);
  if (!list.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--access-file: ", list.status().message()));
  }
  if (list->has_tokens() && !exposed_address_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--access-file: \"", options_.access_file,
        "\" has tokens, which would come unencrypted to ", exposed_address_,
        "; give --tls-cert and --tls-key, or --allow-plaintext-tokens where "
        "something else encrypts the way here"));
  }
  if (list->has_names() && options_.tls.client_ca.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--access-file: \"", options_.access_file,
        "\" has names of certificates (san:), which need --tls-client-ca"));
  }
  const absl::MutexLock lock(&mutex_);
  access_ = std::make_shared<const AccessList>(*std::move(list));
  return absl::OkStatus();
}

void Security::Look() {
  const auto report = [this](const std::optional<absl::Status>& news,
                             const std::string& files) {
    if (news.has_value() && options_.on_reload) {
      options_.on_reload(*news, files);
    }
  };
  if (tls_ != nullptr) report(tls_->Look(), "TLS files");
  if (access_file_.has_value()) report(access_file_->Look(), "access file");
}

absl::Status CheckRole(const Client* client, Role role) {
  if (client == nullptr || client->Has(role)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(client->name, " does not have the role ",
                   std::string(NameOf(role)), ", which the call needs"));
}

}  // namespace weightinit
