#include "server/security/access_list.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "openssl/crypto.h"
#include "weightinit/core/sha256.h"

namespace weightinit {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr std::array<Role, 3> kRoles = {kDescribe, kGenerate, kSeed};

std::array<uint8_t, 32> HashOf(absl::string_view token) {
  return Sha256Of(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(token.data()), token.size()));
}

bool IsName(absl::string_view name) {
  return name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char letter) {
           return absl::ascii_isalnum(static_cast<unsigned char>(letter)) ||
                  absl::StrContains("._@/-", absl::string_view(&letter, 1));
         });
}

absl::StatusOr<unsigned> ParseRoles(absl::string_view text) {
  unsigned roles = 0;
  for (const absl::string_view name : absl::StrSplit(text, ',')) {
    const auto* const role =
        std::find_if(kRoles.begin(), kRoles.end(),
                     [name](Role each) { return NameOf(each) == name; });
    if (role == kRoles.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the role \"", absl::Utf8SafeCHexEscape(name),
          "\" is none of describe, generate and seed, with commas between "
          "them"));
    }
    roles |= *role;
  }
  return roles;
}

// The credential itself may be secret, and is not told.
absl::Status BadCredential() {
  return absl::InvalidArgumentError(
      "the credential is none of sha256:HEX with 64 hexadecimal digits, "
      "token:TEXT with visible ASCII characters, san:dns:NAME and san:uri:URI");
}

absl::Status Twice(int line) {
  return absl::InvalidArgumentError(
      absl::StrCat("the credential is that of line ", line));
}

template <typename Names>
const Client* Find(const Names& names, absl::string_view text) {
  for (const auto& name : names) {
    if (name.text == text) return &name.client;
  }
  return nullptr;
}

}  // namespace

absl::string_view NameOf(Role role) {
  switch (role) {
    case kDescribe:
      return "describe";
    case kGenerate:
      return "generate";
    case kSeed:
      break;
  }
  return "seed";
}

absl::StatusOr<AccessList> AccessList::Parse(absl::string_view text,
                                             absl::string_view file) {
  AccessList list;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::Status status = list.AddLine(line, number);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", file, "\", line ", number, ": ", status.message()));
    }
  }
  if (!list.has_tokens() && !list.has_names()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", file,
        "\" names nobody; a line is NAME ROLES CREDENTIAL, for example: "
        "trainer describe,generate sha256:HEX"));
  }
  return list;
}

const Client* AccessList::OfToken(absl::string_view token) const {
  const Hash hash = HashOf(token);
  const Client* found = nullptr;
  for (const Token& each : tokens_) {
    if (CRYPTO_memcmp(each.hash.data(), hash.data(), hash.size()) == 0) {
      found = &each.client;
    }
  }
  return found;
}

const Client* AccessList::OfDnsName(absl::string_view name) const {
  return Find(dns_names_, absl::AsciiStrToLower(name));
}

const Client* AccessList::OfUri(absl::string_view uri) const {
  return Find(uris_, uri);
}

absl::Status AccessList::AddLine(absl::string_view line, int number) {
  // Not within a word: URIs have it there.
  std::vector<absl::string_view> words;
  for (const absl::string_view word :
       absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
    if (word.front() == '#') break;
    words.push_back(word);
  }
  if (words.empty()) return absl::OkStatus();
  if (words.size() != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", words.size(), " words, not the three NAME ROLES CREDENTIAL"));
  }
  if (!IsName(words[0])) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the name \"", absl::Utf8SafeCHexEscape(words[0]), "\" is not 1 to ",
        kMaxNameBytes, " of letters, digits and ._@/-"));
  }
  const auto roles = ParseRoles(words[1]);
  if (!roles.ok()) return roles.status();
  return AddCredential(words[2], {std::string(words[0]), *roles}, number);
}

absl::Status AccessList::AddCredential(absl::string_view credential,
                                       Client client, int line) {
  if (absl::ConsumePrefix(&credential, "sha256:")) {
    Hash hash{};
    if (credential.size() != 2 * hash.size() ||
        !std::all_of(credential.begin(), credential.end(), [](char digit) {
          return absl::ascii_isxdigit(static_cast<unsigned char>(digit));
        })) {
      return BadCredential();
    }
    for (size_t i = 0; i < hash.size(); ++i) {
      uint32_t byte = 0;
      if (!absl::SimpleHexAtoi(credential.substr(2 * i, 2), &byte)) {
        return BadCredential();
      }
      hash[i] = static_cast<uint8_t>(byte);
    }
    return AddToken(hash, std::move(client), line);
  }
  if (credential.empty() || !std::all_of(credential.begin(), credential.end(),
                                         [](unsigned char letter) {
                                           return absl::ascii_isgraph(letter);
                                         })) {
    return BadCredential();
  }
  if (absl::ConsumePrefix(&credential, "token:") && !credential.empty()) {
    return AddToken(HashOf(credential), std::move(client), line);
  }
  if (absl::ConsumePrefix(&credential, "san:dns:") && !credential.empty()) {
    return AddName(dns_names_, absl::AsciiStrToLower(credential),
                   std::move(client), line);
  }
  if (absl::ConsumePrefix(&credential, "san:uri:") && !credential.empty()) {
    return AddName(uris_, std::string(credential), std::move(client), line);
  }
  return BadCredential();
}

absl::Status AccessList::AddToken(const Hash& hash, Client client, int line) {
  for (const Token& token : tokens_) {
    if (token.hash == hash) return Twice(token.line);
  }
  tokens_.push_back({hash, std::move(client), line});
  return absl::OkStatus();
}

absl::Status AccessList::AddName(std::vector<Name>& names, std::string text,
                                 Client client, int line) {
  for (const Name& name : names) {
    if (name.text == text) return Twice(name.line);
  }
  names.push_back({std::move(text), std::move(client), line});
  return absl::OkStatus();
}

}  // namespace weightinit
