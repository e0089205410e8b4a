#include "weightinit/core/root_seed.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/random/little_endian.h"
#include "openssl/crypto.h"
#include "openssl/evp.h"
#include "openssl/hmac.h"

namespace weightinit {
namespace {

// With their terminating NUL, which ends them in the message.
constexpr char kSeedDomain[] = "weightinit.seed.v1";
constexpr char kIdDomain[] = "weightinit.root_seed_id.v1";

using Digest = std::array<unsigned char, 32>;

Digest HmacSha256(const std::vector<unsigned char>& key,
                  std::string_view message) {
  Digest digest{};
  unsigned int size = 0;
  const unsigned char* const made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()),
           message.size(), digest.data(), &size);
  // Out of memory, or OpenSSL without SHA-256. A seed of zeros would pass for
  // one that was derived.
  if (made == nullptr || size != digest.size()) std::abort();
  return digest;
}

}  // namespace

absl::StatusOr<RootSeed> RootSeed::FromBytes(std::string_view bytes) {
  if (bytes.size() < kMinRootSeedBytes || bytes.size() > kMaxRootSeedBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the root seed has ", bytes.size(), " bytes; must have from ",
        kMinRootSeedBytes, " to ", kMaxRootSeedBytes));
  }
  return RootSeed(bytes);
}

RootSeed::RootSeed(std::string_view bytes) : key_(bytes.begin(), bytes.end()) {
  const Digest digest = HmacSha256(key_, {kIdDomain, sizeof(kIdDomain)});
  id_ =
      absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), 8});
}

RootSeed::~RootSeed() { OPENSSL_cleanse(key_.data(), key_.size()); }

uint64_t RootSeed::SeedOf(std::string_view name) const {
  std::string message(kSeedDomain, sizeof(kSeedDomain));
  AppendLittleEndian(name.size(), message);
  message.append(name);
  return LoadLittleEndian(HmacSha256(key_, message).data());
}

}  // namespace weightinit
