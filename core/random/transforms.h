// From random words to uniform, normal and truncated normal draws.
//
// Every function is a fixed sequence of IEEE 754 additions, subtractions,
// multiplications, divisions, square roots, integer operations, comparisons and
// selections: no fused multiply-add, no libm, no branch that changes a value.
// core/DETERMINISM.md specifies them; a change of any result is a new
// generator. They are overloaded for float (one 32-bit word a draw) and double
// (one 64-bit word a draw).

#ifndef WEIGHTINIT_CORE_RANDOM_TRANSFORMS_H_
#define WEIGHTINIT_CORE_RANDOM_TRANSFORMS_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/random/coefficients.h"

namespace weightinit {

template <typename To, typename From>
inline To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

// The word of one draw.
template <typename F>
struct DrawWord;
template <>
struct DrawWord<float> {
  using type = uint32_t;
};
template <>
struct DrawWord<double> {
  using type = uint64_t;
};

// c[0] + x * (c[1] + x * (... + x * c[N-1])), innermost first.
template <typename F, int N>
inline F Horner(const F (&c)[N], F x) {
  F sum = c[N - 1];
  for (int i = N - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

// ---- Words to numbers ----

// An odd multiple of 2^-24 in (-1, 1), symmetric about 0: the top 24 bits of
// `word`, centred.
inline float CenteredUnit(uint32_t word) {
  const auto odd = static_cast<int32_t>((word >> 7) | 1) - (int32_t{1} << 24);
  return static_cast<float>(odd) * 0x1p-24f;
}

// An odd multiple of 2^-53 in (-1, 1): the top 53 bits of `word`, centred.
inline double CenteredUnit(uint64_t word) {
  const auto odd = static_cast<int64_t>((word >> 10) | 1) - (int64_t{1} << 53);
  return static_cast<double>(odd) * 0x1p-53;
}

// (word + 1/2) / 2^32 in [2^-33, 1], every bit of a small word kept; both
// roundings are to nearest even.
inline float PositiveUnit(uint32_t word) {
  return (static_cast<float>(word) + 0.5f) * 0x1p-32f;
}

// (top 53 bits of word + 1/2) / 2^53 in [2^-54, 1].
inline double PositiveUnit(uint64_t word) {
  return (static_cast<double>(word >> 11) + 0.5) * 0x1p-53;
}

// ---- -2 ln u, for normal u in (0, 1] ----

// u = 2^e * (1 + x) with 1 + x in [sqrt(1/2), sqrt(2)), then the minimax
// polynomial of -2 ln(1 + x) / x, relative error 3.4e-8.
inline float Neg2Log(float u) {
  using Log = LogOf<float>;
  const auto bits = BitCast<int32_t>(u);
  const int32_t e = (bits - Log::kSqrtHalf) >> 23;
  const float x = BitCast<float>(bits - e * (int32_t{1} << 23)) - 1.0f;
  return static_cast<float>(e) * Log::kNeg2Ln2 +
         x * Horner(Log::kPolynomial, x);
}

// As above, then with s = x / (2 + x) the series of -4 atanh(s): s * (-4 + s^2
// * polynomial), absolute error of the polynomial term 5e-18.
inline double Neg2Log(double u) {
  using Log = LogOf<double>;
  const auto bits = BitCast<int64_t>(u);
  const int64_t e = (bits - static_cast<int64_t>(Log::kSqrtHalf)) >> 52;
  const double x = BitCast<double>(bits - e * (int64_t{1} << 52)) - 1.0;
  const double s = x / (x + 2.0);
  const double z = s * s;
  return static_cast<double>(e) * Log::kNeg2Ln2 +
         s * (z * Horner(Log::kPolynomial, z) - 4.0);
}

// ---- Box-Muller ----

template <typename F>
struct Pair {
  F first;
  F second;
};

// Cosine and sine of (1 + t) * pi/4, for t in (-1, 1): the first quadrant, by
// the sum and difference formulas about pi/4.
template <typename F>
inline Pair<F> FirstQuadrant(F t) {
  const F square = t * t;
  const F sine = t * Horner(ArcOf<F>::kSin, square);
  const F cosine = Horner(ArcOf<F>::kCos, square);
  return {cosine - sine, cosine + sine};
}

// `magnitude` with its sign bit flipped where bit 31 of `word` is set.
inline float FlipSign(float magnitude, uint32_t word) {
  return BitCast<float>(BitCast<uint32_t>(magnitude) ^ (word & 0x80000000u));
}
// `magnitude` with its sign bit flipped where bit 63 of `word` is set.
inline double FlipSign(double magnitude, uint64_t word) {
  return BitCast<double>(BitCast<uint64_t>(magnitude) ^
                         (word & 0x8000000000000000u));
}

// Two independent standard normal draws (Box and Muller 1958). The top two bits
// of `angle` are the signs, the rest the angle in the first quadrant.
template <typename Word>
inline auto StandardNormals(Word radius, Word angle) {
  const auto r = std::sqrt(Neg2Log(PositiveUnit(radius)));
  auto point = FirstQuadrant(CenteredUnit(static_cast<Word>(angle << 2)));
  return decltype(point){
      FlipSign(r * point.first, angle),
      FlipSign(r * point.second, static_cast<Word>(angle << 1))};
}

// ---- Inverse of the normal distribution function ----

// |z| where a standard normal exceeds |z| with probability `tail` = 1/2 -
// `center`, both in [0, 1/2]. Rational minimax approximations: for center up to
// 0x1.eap-2 (|z| up to 2.02) center * P(v) / Q(v), v = 1/4 - center^2; beyond
// it P(r) / Q(r), r = sqrt(-2 ln tail). Relative error below 5e-7.
inline float NormalQuantile(float center, float tail) {
  using Q = QuantileOf<float>;
  if (center <= Q::kSeam) {
    const float v = Q::kShift - center * center;
    return center * Horner(Q::kCentralP, v) / Horner(Q::kCentralQ, v);
  }
  const float r = std::sqrt(Neg2Log(tail));
  return Horner(Q::kTailP, r) / Horner(Q::kTailQ, r);
}

// The same for double: algorithm AS 241 (PPND16) of Wichura, Applied Statistics
// 37 (1988), relative error about 1e-16 in exact arithmetic.
inline double NormalQuantile(double center, double tail) {
  using Q = QuantileOf<double>;
  if (center <= Q::kSeam) {
    const double v = Q::kShift - center * center;
    return center * Horner(Q::kCentralP, v) / Horner(Q::kCentralQ, v);
  }
  const double r = std::sqrt(0.5 * Neg2Log(tail));
  if (r <= 5.0) {
    const double x = r - 1.6;
    return Horner(Q::kNearP, x) / Horner(Q::kNearQ, x);
  }
  const double x = r - 5.0;
  return Horner(Q::kFarP, x) / Horner(Q::kFarQ, x);
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_TRANSFORMS_H_
