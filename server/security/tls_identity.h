// What the server shows of itself in TLS, and whom it trusts there.

#ifndef WEIGHTINIT_SERVER_SECURITY_TLS_IDENTITY_H_
#define WEIGHTINIT_SERVER_SECURITY_TLS_IDENTITY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "server/security/memory_file.h"
#include "server/security/security_options.h"
#include "server/security/watched_files.h"

namespace weightinit {

// Checks the files before they reach gRPC, which reads them again by itself but
// would fail every handshake with a bad one. So gRPC watches files in memory
// that hold only what was found good. Load and Look are called by one thread at
// a time; the rest by any.
class TlsIdentity {
 public:
  // INVALID_ARGUMENT, which names flag and file: a file cannot be read, or
  // cannot be used.
  static absl::StatusOr<std::unique_ptr<TlsIdentity>> Load(
      const TlsFiles& files);
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // Of ports that show it; new connections see a change within a second.
  // Without client_ca clients are not asked for a certificate.
  std::shared_ptr<grpc::ServerCredentials> Credentials(
      bool client_certificate_optional) const;

  // Uses changed files, as WatchedFiles::Look does.
  std::optional<absl::Status> Look() { return watched_.Look(); }

  ReloadCounts counts() const { return watched_.counts(); }
  // When the first certificate of the chain expires.
  absl::Time expiry() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit TlsIdentity(const TlsFiles& files);

  absl::Status Use(const std::vector<std::string>& texts)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const TlsFiles files_;
  WatchedFiles watched_;
  // Key and chain in one: gRPC opens its two files one after the other, and
  // sees by the time of change when they are not of the same moment.
  MemoryFile identity_;
  MemoryFile client_ca_;

  mutable absl::Mutex mutex_;
  absl::Time expiry_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SECURITY_TLS_IDENTITY_H_
