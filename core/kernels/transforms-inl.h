// From random words to uniform, normal and truncated normal draws, a vector at
// a time. Included once for each target of Highway (see kernel.cc).
//
// Every function is a fixed sequence of IEEE 754 additions, subtractions,
// multiplications, divisions, square roots, integer operations, comparisons and
// selections: no fused multiply-add, no estimates, no branch that changes a
// value. core/DETERMINISM.md specifies them; a change of any result is a new
// generator. They are overloaded for float lanes (one 32-bit word a draw) and
// double lanes (one 64-bit word a draw).

#if defined(WEIGHTINIT_CORE_KERNELS_TRANSFORMS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef WEIGHTINIT_CORE_KERNELS_TRANSFORMS_INL_H_
#undef WEIGHTINIT_CORE_KERNELS_TRANSFORMS_INL_H_
#else
#define WEIGHTINIT_CORE_KERNELS_TRANSFORMS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/kernels/wide-inl.h"
#include "core/random/coefficients.h"
#include "core/random/sampler.h"
#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR  // That one has core/scalar_kernel.h.

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {

// The type of the draws from words of a type.
template <typename Word>
using FloatOf = std::conditional_t<sizeof(Word) == 4, float, double>;

// c[0] + x * (c[1] + x * (... + x * c[N-1])), innermost first.
template <typename F, size_t N>
HWY_INLINE Wide<F> Horner(const F (&c)[N], const Wide<F>& x) {
  Wide<F> sum = Broadcast(c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// ---- Words to numbers ----

// Whether the target converts unsigned 32-bit and signed 64-bit integers in one
// instruction.
#undef WEIGHTINIT_CONVERTS_ALL_INTEGERS
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
#define WEIGHTINIT_CONVERTS_ALL_INTEGERS 1
#else
#define WEIGHTINIT_CONVERTS_ALL_INTEGERS 0
#endif

// The numbers nearest to 32-bit words, ties to even.
HWY_INLINE Wide<float> Nearest(const Wide<uint32_t>& word) {
#if WEIGHTINIT_CONVERTS_ALL_INTEGERS
  return ToFloat(word);
#else
  // 2^23 + low half and 2^39 + high half * 2^16 by their bits; what is
  // subtracted is exact, so that only the last addition rounds.
  const auto low = (word & 0xFFFFu) | 0x4B000000u;
  const auto high = ShiftRight<16>(word) | 0x53000000u;
  return (BitsAs<float>(high) - (0x1p39f + 0x1p23f)) + BitsAs<float>(low);
#endif
}

// The words as numbers, less `offset`; exact where the word has at most 54 bits
// and the result at most 53. `offset` is a multiple of 2^32.
HWY_INLINE Wide<double> Exact(const Wide<uint64_t>& word, double offset) {
  const auto low =
      (word & uint64_t{0xFFFFFFFFu}) | uint64_t{0x4330000000000000u};
  const auto high = ShiftRight<32>(word) | uint64_t{0x4530000000000000u};
  return (BitsAs<double>(high) - (0x1p84 + 0x1p52 + offset)) +
         BitsAs<double>(low);
}

// A number in (-1, 1), symmetric about 0, over kCenteredScale: the top bits of
// the word with a bit set below them, centred.
HWY_INLINE Wide<float> CenteredInteger(const Wide<uint32_t>& word) {
  // Seven bits to the left of (word >> 7 | 1) - 2^24, which flips the top bit.
  return ToFloat(BitsAs<int32_t>((word | 0xFFu) ^ 0x8000007Fu));
}
HWY_INLINE Wide<double> CenteredInteger(const Wide<uint64_t>& word) {
#if WEIGHTINIT_CONVERTS_ALL_INTEGERS
  // The same, ten bits to the left of (word >> 10 | 1) - 2^53.
  return ToDouble(BitsAs<int64_t>((word | uint64_t{0x7FFu}) ^
                                  uint64_t{0x80000000000003FFu}));
#else
  return Exact(ShiftRight<10>(word) | uint64_t{1}, 0x1p53);
#endif
}
template <typename F>
inline constexpr F kCenteredScale = 0x1p-31f;
template <>
inline constexpr double kCenteredScale<double> =
    WEIGHTINIT_CONVERTS_ALL_INTEGERS ? 0x1p-63 : 0x1p-53;

// An odd multiple of 2^-24 (float) or 2^-53 (double) in (-1, 1).
template <typename Word>
HWY_INLINE auto CenteredUnit(const Wide<Word>& word) {
  return CenteredInteger(word) * kCenteredScale<FloatOf<Word>>;
}

// A number in (0, 1], times 2 to the power of kUnitExponent<F>: word + 1/2, or
// the top 53 bits + 1/2.
template <typename F>
inline constexpr int kUnitExponent = sizeof(F) == 4 ? 32 : 53;
HWY_INLINE Wide<float> ScaledUnit(const Wide<uint32_t>& word) {
  return Nearest(word) + 0.5f;
}
HWY_INLINE Wide<double> ScaledUnit(const Wide<uint64_t>& word) {
  return Exact(ShiftRight<11>(word), 0.0) + 0.5;
}

// ---- -2 ln u, for normal u in (0, 1] ----

// -2 ln (scaled * 2^-kExponent) = -2 ln (2^e * (1 + x)) with 1 + x in
// [sqrt(1/2), sqrt(2)). The bits of `scaled` less those of sqrt(1/2) have e in
// the place of the exponent; below it they lack sqrt(1/2) to be 1 + x.
template <int kExponent>
HWY_INLINE Wide<float> Neg2Log(const Wide<float>& scaled) {
  using Log = LogOf<float>;
  constexpr int32_t kMantissa = (int32_t{1} << 23) - 1;
  const auto offset =
      BitsAs<int32_t>(scaled) - (Log::kSqrtHalf + (int32_t{kExponent} << 23));
  const auto e = ToFloat(offset & ~kMantissa);  // Times 2^23.
  const auto x = BitsAs<float>((offset & kMantissa) + Log::kSqrtHalf) - 1.0f;
  return e * (Log::kNeg2Ln2 * 0x1p-23f) + x * Horner(Log::kPolynomial, x);
}
template <int kExponent>
HWY_INLINE Wide<double> Neg2Log(const Wide<double>& scaled) {
  using Log = LogOf<double>;
  constexpr uint64_t kMantissa = (uint64_t{1} << 52) - 1;
  // With 1024 added to e, which makes it positive: no target lacks logical
  // shifts.
  const auto offset = BitsAs<uint64_t>(scaled) +
                      ((uint64_t{1024 - kExponent} << 52) - Log::kSqrtHalf);
  const auto e =
      BitsAs<double>(ShiftRight<52>(offset) | uint64_t{0x4330000000000000u}) -
      (0x1p52 + 1024);
  const auto x = BitsAs<double>((offset & kMantissa) + Log::kSqrtHalf) - 1.0;
  const auto s = x / (x + 2.0);
  const auto z = s * s;
  return e * Log::kNeg2Ln2 + s * (z * Horner(Log::kPolynomial, z) - 4.0);
}

// ---- Box-Muller ----

// The sign flipped where the top bit of `word` is set.
template <typename F, typename Word>
HWY_INLINE Wide<F> Flipped(const Wide<F>& x, const Wide<Word>& word) {
  constexpr Word kTop = Word{1} << (sizeof(Word) * 8 - 1);
  return BitsAs<F>(BitsAs<Word>(x) ^ (word & kTop));
}

// The draws of neighbours: of the elements with even and with odd index.
template <typename F>
struct Draws {
  Wide<F> even;
  Wide<F> odd;
};

// Two independent standard normal draws a lane (Box and Muller 1958), in two
// steps: the radius, and with it the draws. The top two bits of `angle` are the
// signs, the rest the angle in the first quadrant.
template <typename Word>
HWY_INLINE auto NormalRadius(const Wide<Word>& word) {
  return Sqrt(Neg2Log<kUnitExponent<FloatOf<Word>>>(ScaledUnit(word)));
}
template <typename F, typename Word>
HWY_INLINE Draws<F> StandardNormals(const Wide<F>& radius,
                                    const Wide<Word>& angle) {
  using Arc = ArcOf<F>;
  const auto t = CenteredUnit(ShiftLeft<2>(angle));
  const auto square = t * t;
  const auto sine = t * Horner(Arc::kSin, square);
  const auto cosine = Horner(Arc::kCos, square);
  return {Flipped(radius * (cosine - sine), angle),
          Flipped(radius * (cosine + sine), ShiftLeft<1>(angle))};
}

// ---- Inverse of the normal distribution function ----

// The quantile where `center` is at most QuantileOf<F>::kSeam; garbage
// elsewhere.
template <typename F>
HWY_INLINE Wide<F> CentralQuantile(const Wide<F>& center) {
  using Q = QuantileOf<F>;
  const auto v = Q::kShift - center * center;
  return center * Horner(Q::kCentralP, v) / Horner(Q::kCentralQ, v);
}

// The quantile beyond it, from the tail probability.
HWY_INLINE Wide<float> TailQuantile(const Wide<float>& tail) {
  using Q = QuantileOf<float>;
  const auto r = Sqrt(Neg2Log<0>(tail));
  return Horner(Q::kTailP, r) / Horner(Q::kTailQ, r);
}
HWY_INLINE Wide<double> TailQuantile(const Wide<double>& tail) {
  using Q = QuantileOf<double>;
  const auto r = Sqrt(0.5 * Neg2Log<0>(tail));
  const auto near = r - 1.6;
  const auto far = r - 5.0;
  return Select(r <= 5.0, Horner(Q::kNearP, near) / Horner(Q::kNearQ, near),
                Horner(Q::kFarP, far) / Horner(Q::kFarQ, far));
}

// |z| where a standard normal exceeds |z| with probability `tail` = 1/2 -
// `center`, both in [0, 1/2]. Where no lane is in the tail its part is left
// out, which changes no value.
template <typename F>
HWY_INLINE Wide<F> NormalQuantile(const Wide<F>& center, const Wide<F>& tail) {
  const auto central = CentralQuantile(center);
  const auto is_central = center <= QuantileOf<F>::kSeam;
  if (HWY_LIKELY(AllTrue(is_central))) return central;
  return Select(is_central, central, TailQuantile(tail));
}

// ---- Draws: see the fields of Sampler ----

template <typename F>
HWY_INLINE Wide<F> Clamped(const Sampler<F>& s, const Wide<F>& value) {
  return AtLeast(AtMost(value, s.high), s.low);
}

// center + half * u.
template <typename F, typename Word>
HWY_INLINE Wide<F> Mapped(const Sampler<F>& s, const Wide<Word>& word) {
  return s.center + s.half * CenteredUnit(word);
}

// mean + stddev * z.
template <typename F>
HWY_INLINE Wide<F> Scaled(const Sampler<F>& s, const Wide<F>& z) {
  return s.mean + s.stddev * z;
}

template <typename F, typename Word>
HWY_INLINE Draws<F> DrawNormals(const Sampler<F>& s, const Wide<F>& radius,
                                const Wide<Word>& angle) {
  const auto z = StandardNormals(radius, angle);
  return {Scaled(s, z.even), Scaled(s, z.odd)};
}

template <auto kClamping, typename F, typename Word>
HWY_INLINE Wide<F> DrawUniform(const Sampler<F>& s, const Wide<Word>& word) {
  using Clamping = typename Sampler<F>::Clamping;
  if constexpr (kClamping == Clamping::kBoth) {
    return Clamped(s, Mapped(s, word));
  } else {
    // The scale of the centred number goes into `half`.
    const auto value =
        s.center + (s.half * kCenteredScale<F>)*CenteredInteger(word);
    return kClamping == Clamping::kHigh ? AtMost(value, s.high) : value;
  }
}

template <typename F, typename Word>
HWY_INLINE Wide<F> DrawTruncatedAboutMean(const Sampler<F>& s,
                                          Wide<Word> word) {
  const auto y = Mapped(s, word);
  const auto center = Magnitude(y);
  const auto tail = AtLeast(kHalf<F> - center, kSmallestTail<F>);
  const auto magnitude = NormalQuantile(center, tail);
  const auto z = Select(y < F{0}, Negated(magnitude), magnitude);
  return Clamped(s, Scaled(s, z));
}

template <typename F, typename Word>
HWY_INLINE Wide<F> DrawTruncatedTail(const Sampler<F>& s,
                                     const Wide<Word>& word) {
  const auto tail = Mapped(s, word);
  const auto center = AtLeast(kHalf<F> - tail, F{0});
  const auto magnitude = NormalQuantile(center, tail);
  return Clamped(s, Scaled(s, s.negate ? Negated(magnitude) : magnitude));
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif  // per-target include guard
