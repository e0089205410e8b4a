// Certificates and keys, as servers and clients read them from PEM files.

#ifndef WEIGHTINIT_PROTO_CPP_CERTIFICATES_H_
#define WEIGHTINIT_PROTO_CPP_CERTIFICATES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weightinit {

// The text of a file of at most 1 MiB. INVALID_ARGUMENT, which names the path:
// it cannot be read, or is larger.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// Checks what one end of a connection shows the other: `chain` is its
// certificate, followed by those that vouch for it, each for the one before it.
// Returns when the first of them expires. INVALID_ARGUMENT: a certificate
// cannot be read, is not valid at `now`, is weaker than TLS takes (an RSA key
// below 2048 bits, a SHA-1 signature), or does not vouch for the one before it.
absl::StatusOr<absl::Time> CheckChain(absl::string_view chain, absl::Time now);

// Whether `key` is a private key in clear, and that of the first certificate of
// `chain`. No error tells anything of the key.
absl::Status CheckKey(absl::string_view key, absl::string_view chain);

// Checks the certificates that an end trusts: each can be read, and at least
// one is valid at `now`.
absl::Status CheckAuthorities(absl::string_view authorities, absl::Time now);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_CERTIFICATES_H_
