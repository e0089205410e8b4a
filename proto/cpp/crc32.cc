#include "proto/cpp/crc32.h"

#include <cstdint>

#include "absl/types/span.h"
#include "isa-l/crc.h"

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
  if (data.empty()) return crc;  // Its pointer may be null.
  return crc32_gzip_refl(crc, data.data(), data.size());
}

uint32_t ConcatCrc32(uint32_t crc_a, uint32_t crc_b, int64_t bytes_b) {
  return MultiplyModulo(ShiftOfBytes(bytes_b), crc_a) ^ crc_b;
}

}  // namespace weightinit
