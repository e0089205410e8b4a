#include "server/security/tls_identity.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "proto/cpp/certificates.h"

namespace weightinit {
namespace {

using Provider =
    std::shared_ptr<grpc::experimental::CertificateProviderInterface>;

// How often gRPC looks at the files in memory.
constexpr unsigned kRefreshSeconds = 1;

// Ways to set providers: that of later versions of gRPC, and that of 1.51,
// which is taken where the first does not compile.
struct OldWay {};
struct NewWay : OldWay {};

template <typename Options>
auto OptionsOf(const Provider& provider, bool roots, NewWay /*way*/)
    -> std::decay_t<decltype(*Options::Create(provider))> {
  auto options = *Options::Create(provider);
  if (roots) options.set_root_certificate_provider(provider);
  return options;
}
template <typename Options>
Options OptionsOf(const Provider& provider, bool roots, OldWay /*way*/) {
  Options options(provider);
  options.watch_identity_key_cert_pairs();
  if (roots) options.watch_root_certs();
  return options;
}

std::vector<WatchedFiles::File> FilesOf(const TlsFiles& files) {
  std::vector<WatchedFiles::File> all = {{"--tls-cert", files.cert},
                                         {"--tls-key", files.key}};
  if (!files.client_ca.empty()) {
    all.push_back({"--tls-client-ca", files.client_ca});
  }
  return all;
}

absl::Status Bad(absl::string_view flag, absl::string_view path,
                 const absl::Status& why) {
  return absl::Status(why.code(),
                      absl::StrCat(flag, ": \"", path, "\": ", why.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsIdentity>> TlsIdentity::Load(
    const TlsFiles& files) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(files));
  absl::Status status = identity->watched_.Load();
  if (!status.ok()) return status;
  return identity;
}

TlsIdentity::TlsIdentity(const TlsFiles& files)
    : files_(files),
      watched_(FilesOf(files), [this](const std::vector<std::string>& texts) {
        return Use(texts);
      }) {}

std::shared_ptr<grpc::ServerCredentials> TlsIdentity::Credentials(
    bool client_certificate_optional) const {
  const bool asks = !files_.client_ca.empty();
  const std::string path = identity_.path();
  const auto provider =
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          path, path, asks ? client_ca_.path() : "", kRefreshSeconds);
  auto options = OptionsOf<grpc::experimental::TlsServerCredentialsOptions>(
      provider, asks, NewWay());
  auto request = GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  if (asks) {
    request = client_certificate_optional
                  ? GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY
                  : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  options.set_cert_request_type(request);
  return grpc::experimental::TlsServerCredentials(options);
}

absl::Time TlsIdentity::expiry() const {
  const absl::MutexLock lock(&mutex_);
  return expiry_;
}

absl::Status TlsIdentity::Use(const std::vector<std::string>& texts) {
  const std::string& chain = texts[0];
  const std::string& key = texts[1];
  const absl::Time now = absl::Now();
  const auto expiry = CheckChain(chain, now);
  if (!expiry.ok()) return Bad("--tls-cert", files_.cert, expiry.status());
  absl::Status status = CheckKey(key, chain);
  if (!status.ok()) return Bad("--tls-key", files_.key, status);
  const bool has_client_ca = texts.size() > 2;
  if (has_client_ca) {
    status = CheckAuthorities(texts[2], now);
    if (!status.ok()) return Bad("--tls-client-ca", files_.client_ca, status);
    status = client_ca_.Write(texts[2]);
  }
  status.Update(identity_.Write(absl::StrCat(key, "\n", chain)));
  if (!status.ok()) return status;
  const absl::MutexLock lock(&mutex_);
  expiry_ = *expiry;
  return status;
}

}  // namespace weightinit
