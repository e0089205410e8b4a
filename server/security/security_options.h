// Who may connect and call, and what is seen of it.

#ifndef WEIGHTINIT_SERVER_SECURITY_SECURITY_OPTIONS_H_
#define WEIGHTINIT_SERVER_SECURITY_SECURITY_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weightinit {

// Files in PEM form; empty for none. They are looked at every second.
struct TlsFiles {
  // The certificate, followed by those that vouch for it, and its key: all
  // TCP addresses speak TLS.
  std::string cert;
  std::string key;
  // Clients need a certificate that one of these vouches for.
  std::string client_ca;
};

struct SecurityOptions {
  TlsFiles tls;
  // A client without a certificate is let in too, and needs a token.
  bool client_certificate_optional = false;
  // Who may call what (server/security/access_list.h); empty for everybody.
  std::string access_file;
  // Tokens may come unencrypted by other addresses than loopback.
  bool allow_plaintext_tokens = false;
  // Told when files have changed: OK, they are used from now on, or why those
  // of before are. By a thread of the server's; may be null.
  std::function<void(const absl::Status& status, const std::string& files)>
      on_reload;
};

// Of files that were looked at again.
struct ReloadCounts {
  int64_t succeeded = 0;
  int64_t failed = 0;
};

struct SecurityFigures {
  // When the first certificate of --tls-cert expires; nothing without TLS.
  std::optional<absl::Time> certificate_expiry;
  ReloadCounts tls;
  ReloadCounts access;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SECURITY_SECURITY_OPTIONS_H_
