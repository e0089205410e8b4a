#include "weightinit/core/checksum.h"

#include <isa-l/crc.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/types/span.h"

namespace weightinit {
namespace {

// Polynomials over GF(2) modulo CRC-32's, coefficients reflected: bit 31 is
// x^0.
constexpr uint32_t kPolynomial = 0xEDB88320u;
constexpr uint32_t kOne = 1u << 31;

// a * b.
uint32_t MultiplyModulo(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

// x^(8 * bytes), by squaring.
uint32_t ShiftOfBytes(int64_t bytes) {
  uint32_t power = kOne >> 8;  // x^8.
  uint32_t shift = kOne;
  for (auto n = static_cast<uint64_t>(bytes); n != 0; n >>= 1) {
    if ((n & 1) != 0) shift = MultiplyModulo(shift, power);
    power = MultiplyModulo(power, power);
  }
  return shift;
}

}  // namespace

uint32_t ExtendCrc32(uint32_t crc, absl::Span<const uint8_t> data) {
  if (data.empty()) return crc;  // Perhaps without memory.
  return crc32_gzip_refl(crc, data.data(), data.size());
}

uint32_t ConcatCrc32(uint32_t crc_a, uint32_t crc_b, int64_t bytes_b) {
  return MultiplyModulo(ShiftOfBytes(bytes_b), crc_a) ^ crc_b;
}

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr);
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
