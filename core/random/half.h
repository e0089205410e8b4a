// Rounding of float32 to the two 16-bit formats, to nearest, ties to even.

#ifndef WEIGHTINIT_CORE_RANDOM_HALF_H_
#define WEIGHTINIT_CORE_RANDOM_HALF_H_

#include <cstdint>

#include "core/random/transforms.h"

namespace weightinit {

// The bits of the bfloat16 nearest to finite `value`; infinity on overflow.
inline uint16_t Bfloat16Bits(float value) {
  const auto bits = BitCast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

// The bits of the IEEE 754 binary16 nearest to finite `value`; infinity on
// overflow.
inline uint16_t Float16Bits(float value) {
  const auto bits = BitCast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  uint32_t half = 0;
  if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity.
    half = 0x7C00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14 and above are normal.
    // Rebias the exponent by 127 - 15 and round away 13 bits of the
    // significand.
    half = (magnitude - 0x38000000u + 0x0FFFu + ((magnitude >> 13) & 1u)) >> 13;
  } else {
    // Subnormal: adding 1/2 puts the unit of 2^-24 at the lowest bit of the
    // significand, and the addition rounds to nearest even.
    half = BitCast<uint32_t>(BitCast<float>(magnitude) + 0.5f) - 0x3F000000u;
  }
  return static_cast<uint16_t>(sign | half);
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_HALF_H_
