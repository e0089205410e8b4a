// How connections are secured, and who may call.

#ifndef WEIGHTINIT_SERVER_SECURITY_SECURITY_H_
#define WEIGHTINIT_SERVER_SECURITY_SECURITY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_context.h"
#include "server/listen/listen_address.h"
#include "server/security/access_list.h"
#include "server/security/security_options.h"
#include "server/security/tls_identity.h"
#include "server/security/watched_files.h"
#include "server/stream/ticker.h"

namespace weightinit {

// Thread-safe.
class Security {
 public:
  // INVALID_ARGUMENT, which names the flag: options that do not go together, or
  // not with what is listened on; or a file that cannot be used.
  static absl::StatusOr<std::unique_ptr<Security>> Start(
      const SecurityOptions& options,
      const std::vector<ListenAddress>& addresses);
  Security(const Security&) = delete;
  Security& operator=(const Security&) = delete;

  // Of TCP ports.
  std::shared_ptr<grpc::ServerCredentials> TcpCredentials() const;
  // Of sockets in the file system, which no network reaches: never encrypted.
  static std::shared_ptr<grpc::ServerCredentials> UnixCredentials();

  // Who calls: by the token where there is one, else by the certificate. Null,
  // for anybody, without an access file. UNAUTHENTICATED: nobody that it names.
  absl::StatusOr<std::shared_ptr<const Client>> Identify(
      const grpc::ServerContextBase& context) const ABSL_LOCKS_EXCLUDED(mutex_);

  SecurityFigures figures() const;

 private:
  Security(SecurityOptions options,
           const std::vector<ListenAddress>& addresses);

  absl::Status CheckOptions() const;
  absl::Status UseAccess(const std::string& text) ABSL_LOCKS_EXCLUDED(mutex_);
  void Look();

  const SecurityOptions options_;
  // Addresses where tokens could be read on the way.
  std::string exposed_address_;
  std::unique_ptr<TlsIdentity> tls_;         // Null without TLS.
  std::optional<WatchedFiles> access_file_;  // Nothing: everybody may call.

  mutable absl::Mutex mutex_;
  std::shared_ptr<const AccessList> access_ ABSL_GUARDED_BY(mutex_);

  std::optional<Ticker> ticker_;  // Ends before what it uses.
};

// Whether a client may call for `role`, null for every one: PERMISSION_DENIED
// names the role.
absl::Status CheckRole(const Client* client, Role role);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SECURITY_SECURITY_H_
