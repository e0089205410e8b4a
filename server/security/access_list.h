// Who may call what: the text of an access file.

#ifndef WEIGHTINIT_SERVER_SECURITY_ACCESS_LIST_H_
#define WEIGHTINIT_SERVER_SECURITY_ACCESS_LIST_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weightinit {

// What calls are for. A client has any of these.
enum Role : unsigned {
  kDescribe = 1,  // DescribeTensor, DescribeModel, GetServerInfo, reflection.
  kGenerate = 2,  // InitializeTensor, InitializeModel.
  kSeed = 4,      // ResolveSeed; and beside the others, to name a seed.
};

// "describe", "generate" or "seed".
absl::string_view NameOf(Role role);

// One that may call.
struct Client {
  std::string name;
  unsigned roles = 0;

  bool Has(Role role) const { return (roles & role) != 0; }
};

// Lines NAME ROLES CREDENTIAL; # begins a comment. A name has up to 64 of
// letters, digits and ._@/-, and may have several lines. ROLES are names of
// roles between commas. CREDENTIAL is one of
//   sha256:HEX     the SHA-256 of a token, in 64 hexadecimal digits
//   token:TEXT     the token itself, of visible ASCII characters
//   san:dns:NAME   a DNS name in a client's certificate
//   san:uri:URI    a URI in one, as SPIFFE has them
class AccessList {
 public:
  // INVALID_ARGUMENT, which names `file`, the line and what is allowed there.
  static absl::StatusOr<AccessList> Parse(absl::string_view text,
                                          absl::string_view file);

  // The client that a token is of; takes the same time whichever it is. Null:
  // of none. The client lives as long as the list.
  const Client* OfToken(absl::string_view token) const;
  // Likewise of a name in a verified certificate.
  const Client* OfDnsName(absl::string_view name) const;
  const Client* OfUri(absl::string_view uri) const;

  bool has_tokens() const { return !tokens_.empty(); }
  bool has_names() const { return !dns_names_.empty() || !uris_.empty(); }

 private:
  using Hash = std::array<uint8_t, 32>;
  struct Token {
    Hash hash;
    Client client;
    int line;
  };
  struct Name {
    std::string text;
    Client client;
    int line;
  };

  // An error says what is wrong and allowed.
  absl::Status AddLine(absl::string_view line, int number);
  absl::Status AddCredential(absl::string_view credential, Client client,
                             int line);
  absl::Status AddToken(const Hash& hash, Client client, int line);
  static absl::Status AddName(std::vector<Name>& names, std::string text,
                              Client client, int line);

  std::vector<Token> tokens_;
  std::vector<Name> dns_names_;
  std::vector<Name> uris_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_SECURITY_ACCESS_LIST_H_
