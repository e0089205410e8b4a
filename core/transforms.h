// From random words to uniform, normal and truncated normal draws.
//
// Every function is a fixed sequence of IEEE 754 additions, subtractions,
// multiplications, divisions, square roots, integer operations, comparisons and
// selections: no fused multiply-add, no libm, no branch that changes a value.
// core/DETERMINISM.md specifies them; a change of any result is a new
// generator. They are overloaded for float (one 32-bit word a draw) and double
// (one 64-bit word a draw).

#ifndef WEIGHTINIT_CORE_TRANSFORMS_H_
#define WEIGHTINIT_CORE_TRANSFORMS_H_

#include <cmath>
#include <cstdint>
#include <cstring>

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
  constexpr float kCoefficients[] = {
      -0x1p1f,         0x1.fffff8p-1f,  -0x1.5556fcp-1f,
      0x1.000514p-1f,  -0x1.98d11ap-2f, 0x1.534d96p-2f,
      -0x1.318864p-2f, 0x1.255856p-2f,  -0x1.665dccp-3f,
  };
  constexpr int32_t kSqrtHalf = 0x3f3504f3;  // Bits of sqrt(1/2).
  const auto bits = BitCast<int32_t>(u);
  const int32_t e = (bits - kSqrtHalf) >> 23;
  const float x = BitCast<float>(bits - e * (int32_t{1} << 23)) - 1.0f;
  return static_cast<float>(e) * -0x1.62e43p0f + x * Horner(kCoefficients, x);
}

// As above, then with s = x / (2 + x) the series of -4 atanh(s): s * (-4 + s^2
// * polynomial), absolute error of the polynomial term 5e-18.
inline double Neg2Log(double u) {
  constexpr double kCoefficients[] = {
      -0x1.5555555555558p0,  -0x1.99999999952d9p-1, -0x1.2492492df75bep-1,
      -0x1.c71c62dc16303p-2, -0x1.7462b770676e4p-2, -0x1.39fe05c7ce994p-2,
      -0x1.2b5c8374a17e9p-2,
  };
  constexpr int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;  // Bits of sqrt(1/2).
  const auto bits = BitCast<int64_t>(u);
  const int64_t e = (bits - kSqrtHalf) >> 52;
  const double x = BitCast<double>(bits - e * (int64_t{1} << 52)) - 1.0;
  const double s = x / (x + 2.0);
  const double z = s * s;
  return static_cast<double>(e) * -0x1.62e42fefa39efp0 +
         s * (z * Horner(kCoefficients, z) - 4.0);
}

// ---- Box-Muller ----

template <typename F>
struct Pair {
  F first;
  F second;
};

// sqrt(1/2) * sin(t * pi/4) / t and sqrt(1/2) * cos(t * pi/4) as polynomials in
// t^2, relative errors 1.8e-8 and 3.7e-8.
struct FloatArc {
  static constexpr float kSin[] = {0x1.1c5832p-1f, -0x1.d3ba6ep-5f,
                                   0x1.cd9a44p-10f, -0x1.ac2e5ep-16f};
  static constexpr float kCos[] = {0x1.6a09e6p-1f, -0x1.bea564p-3f,
                                   0x1.6f3fd4p-7f, -0x1.d8ce3ap-13f};
};
// The same for double, relative errors 4e-17 and 9e-17.
struct DoubleArc {
  static constexpr double kSin[] = {
      0x1.1c5831add62e4p-1,   -0x1.d3ba5c1c5f423p-5, 0x1.cda1063819aa5p-10,
      -0x1.b1e9f3447f2bbp-16, 0x1.dbd6f3c7eed56p-23, -0x1.55877a8bad812p-30,
      0x1.55d81c8b052bcp-38};
  static constexpr double kCos[] = {
      0x1.6a09e667f3bccp-1,   -0x1.bea5b6072b1c6p-3, 0x1.6f5a49b28f203p-7,
      -0x1.e36ab0b4dadffp-13, 0x1.54cb86d47d3c6p-19, -0x1.2af492a63245dp-26,
      0x1.615f79b63701p-34};
};

// Cosine and sine of (1 + t) * pi/4, for t in (-1, 1): the first quadrant, by
// the sum and difference formulas about pi/4.
template <typename F, typename Arc>
inline Pair<F> FirstQuadrant(F t) {
  const F square = t * t;
  const F sine = t * Horner(Arc::kSin, square);
  const F cosine = Horner(Arc::kCos, square);
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
template <typename F, typename Arc>
inline Pair<F> BoxMuller(typename DrawWord<F>::type radius,
                         typename DrawWord<F>::type angle) {
  const F r = std::sqrt(Neg2Log(PositiveUnit(radius)));
  using Word = typename DrawWord<F>::type;
  const Pair<F> point =
      FirstQuadrant<F, Arc>(CenteredUnit(static_cast<Word>(angle << 2)));
  return {FlipSign(r * point.first, angle),
          FlipSign(r * point.second, static_cast<Word>(angle << 1))};
}
inline Pair<float> StandardNormals(uint32_t radius, uint32_t angle) {
  return BoxMuller<float, FloatArc>(radius, angle);
}
inline Pair<double> StandardNormals(uint64_t radius, uint64_t angle) {
  return BoxMuller<double, DoubleArc>(radius, angle);
}

// ---- Inverse of the normal distribution function ----

// |z| where a standard normal exceeds |z| with probability `tail` = 1/2 -
// `center`, both in [0, 1/2]. Rational minimax approximations: for center up to
// 0x1.eap-2 (|z| up to 2.02) center * P(v) / Q(v), v = 1/4 - center^2; beyond
// it P(r) / Q(r), r = sqrt(-2 ln tail). Relative error below 5e-7.
inline float NormalQuantile(float center, float tail) {
  constexpr float kCentralP[] = {0x1.8f701cp2f, 0x1.1107aap10f, 0x1.93bbe4p14f,
                                 0x1.95804p16f, 0x1.2f75acp15f};
  constexpr float kCentralQ[] = {0x1p0f, 0x1.da6646p7f, 0x1.dfde7ep12f,
                                 0x1.75d03ap15f, 0x1.5f005cp15f};
  constexpr float kTailP[] = {-0x1.491d1cp1f, -0x1.8a0bdp-2f, 0x1.babaf4p0f,
                              0x1.8d306p-2f};
  constexpr float kTailQ[] = {0x1p0f, 0x1.c1f08ap0f, 0x1.8c771cp-2f,
                              0x1.604358p-17f};
  if (center <= 0x1.eap-2f) {
    const float v = 0.25f - center * center;
    return center * Horner(kCentralP, v) / Horner(kCentralQ, v);
  }
  const float r = std::sqrt(Neg2Log(tail));
  return Horner(kTailP, r) / Horner(kTailQ, r);
}

// The same for double: algorithm AS 241 (PPND16) of Wichura, Applied Statistics
// 37 (1988), relative error about 1e-16 in exact arithmetic.
inline double NormalQuantile(double center, double tail) {
  constexpr double kCentralP[] = {
      3.3871328727963666080e0,  1.3314166789178437745e+2,
      1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e+4, 6.7265770927008700853e+4,
      3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr double kCentralQ[] = {1.0,
                                  4.2313330701600911252e+1,
                                  6.8718700749205790830e+2,
                                  5.3941960214247511077e+3,
                                  2.1213794301586595867e+4,
                                  3.9307895800092710610e+4,
                                  2.8729085735721942674e+4,
                                  5.2264952788528545610e+3};
  constexpr double kNearP[] = {
      1.42343711074968357734e0,  4.63033784615654529590e0,
      5.76949722146069140550e0,  3.64784832476320460504e0,
      1.27045825245236838258e0,  2.41780725177450611770e-1,
      2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double kNearQ[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
  constexpr double kFarP[] = {
      6.65790464350110377720e0,  5.46378491116411436990e0,
      1.78482653991729133580e0,  2.96560571828504891230e-1,
      2.65321895265761230930e-2, 1.24266094738807843860e-3,
      2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double kFarQ[] = {1.0,
                              5.99832206555887937690e-1,
                              1.36929880922735805310e-1,
                              1.48753612908506148525e-2,
                              7.86869131145613259100e-4,
                              1.84631831751005468180e-5,
                              1.42151175831644588870e-7,
                              2.04426310338993978564e-15};
  if (center <= 0.425) {
    const double v = 0.180625 - center * center;
    return center * Horner(kCentralP, v) / Horner(kCentralQ, v);
  }
  const double r = std::sqrt(0.5 * Neg2Log(tail));
  if (r <= 5.0) {
    const double x = r - 1.6;
    return Horner(kNearP, x) / Horner(kNearQ, x);
  }
  const double x = r - 5.0;
  return Horner(kFarP, x) / Horner(kFarQ, x);
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TRANSFORMS_H_
