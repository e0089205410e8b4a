#include "weightinit/core/sha256.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "openssl/evp.h"
#include "openssl/sha.h"

namespace weightinit {

namespace {

// Looked up once: OpenSSL's search takes longer than the hash of a short text.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm =
      EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

}  // namespace

std::array<uint8_t, 32> Sha256Of(absl::Span<const uint8_t> data) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  EVP_Digest(data.data(), data.size(), digest.data(), nullptr,
             Sha256Algorithm(), nullptr);
  return digest;
}

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  EVP_DigestInit_ex(context_->evp, Sha256Algorithm(), nullptr);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(absl::Span<const uint8_t> data) {
  EVP_DigestUpdate(context_->evp, data.data(), data.size());
}

std::string Sha256::HexDigest() {
  std::array<char, 32> digest{};
  EVP_DigestFinal_ex(context_->evp,
                     reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return absl::BytesToHexString({digest.data(), digest.size()});
}

}  // namespace weightinit
