// From random words to uniform, normal and truncated normal draws, a vector at
// a time. Included once for each target of Highway (see kernel.cc).
//
// Every function is a fixed sequence of IEEE 754 additions, subtractions,
// multiplications, divisions, square roots, integer operations, comparisons and
// selections: no fused multiply-add, no estimates, no branch that changes a
// value. core/DETERMINISM.md specifies them; a change of any result is a new
// generator. They are overloaded for float lanes (one 32-bit word a draw) and
// double lanes (one 64-bit word a draw).

#if defined(WEIGHTINIT_CORE_TRANSFORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEIGHTINIT_CORE_TRANSFORMS_INL_H_
#undef WEIGHTINIT_CORE_TRANSFORMS_INL_H_
#else
#define WEIGHTINIT_CORE_TRANSFORMS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/coefficients.h"
#include "core/sampler.h"
#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR  // That one has core/scalar_kernel.h.

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Tags of the lanes: words (unsigned) and their signed twin, for float or
// double.
template <class D>
using WordTag = hn::RebindToUnsigned<D>;
template <class D>
using SignedTag = hn::RebindToSigned<D>;

// Select an overload by the type of the lanes.
template <class D>
using IfFloat = std::enable_if_t<sizeof(hn::TFromD<D>) == 4> *;
template <class D>
using IfDouble = std::enable_if_t<sizeof(hn::TFromD<D>) == 8> *;

// c[0] + x * (c[1] + x * (... + x * c[N-1])), innermost first.
template <class D, size_t N>
HWY_INLINE hn::Vec<D> Horner(D d, const hn::TFromD<D> (&c)[N], hn::Vec<D> x) {
  hn::Vec<D> sum = hn::Set(d, c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) {
    sum = hn::Add(hn::Mul(sum, x), hn::Set(d, c[i]));
  }
  return sum;
}

// ---- Words to numbers ----

// The numbers nearest to 32-bit words, ties to even.
template <class D, IfFloat<D> = nullptr>
HWY_INLINE hn::Vec<D> ToFloat(D d, hn::Vec<WordTag<D>> word) {
  const WordTag<D> du;
  // 2^23 + low half and 2^39 + high half * 2^16 by their bits; what is
  // subtracted is exact, so that only the last addition rounds.
  const auto low =
      hn::Or(hn::And(word, hn::Set(du, 0xFFFFu)), hn::Set(du, 0x4B000000u));
  const auto high = hn::Or(hn::ShiftRight<16>(word), hn::Set(du, 0x53000000u));
  return hn::Add(hn::Sub(hn::BitCast(d, high), hn::Set(d, 0x1p39f + 0x1p23f)),
                 hn::BitCast(d, low));
}

// The numbers nearest to `word` - `offset`, where that is at most 2^53 in size;
// `offset` is a multiple of 2^32 below 2^54.
template <class D, IfDouble<D> = nullptr>
HWY_INLINE hn::Vec<D> ToDouble(D d, hn::Vec<WordTag<D>> word, double offset) {
  const WordTag<D> du;
  const auto low = hn::Or(hn::And(word, hn::Set(du, 0xFFFFFFFFu)),
                          hn::Set(du, 0x4330000000000000u));
  const auto high =
      hn::Or(hn::ShiftRight<32>(word), hn::Set(du, 0x4530000000000000u));
  return hn::Add(
      hn::Sub(hn::BitCast(d, high), hn::Set(d, 0x1p84 + 0x1p52 + offset)),
      hn::BitCast(d, low));
}

// An odd multiple of 2^-24 (float) or 2^-53 (double) in (-1, 1), symmetric
// about 0: the top bits of the word, centred.
template <class D, IfFloat<D> = nullptr>
HWY_INLINE hn::Vec<D> CenteredUnit(D d, hn::Vec<WordTag<D>> word) {
  const WordTag<D> du;
  const SignedTag<D> di;
  const auto odd =
      hn::Sub(hn::BitCast(di, hn::Or(hn::ShiftRight<7>(word), hn::Set(du, 1u))),
              hn::Set(di, int32_t{1} << 24));
  return hn::Mul(hn::ConvertTo(d, odd), hn::Set(d, 0x1p-24f));
}
template <class D, IfDouble<D> = nullptr>
HWY_INLINE hn::Vec<D> CenteredUnit(D d, hn::Vec<WordTag<D>> word) {
  const WordTag<D> du;
  const auto odd = hn::Or(hn::ShiftRight<10>(word), hn::Set(du, 1u));
  return hn::Mul(ToDouble(d, odd, 0x1p53), hn::Set(d, 0x1p-53));
}

// (word + 1/2) / 2^32 in [2^-33, 1]; (top 53 bits + 1/2) / 2^53 in [2^-54, 1].
template <class D, IfFloat<D> = nullptr>
HWY_INLINE hn::Vec<D> PositiveUnit(D d, hn::Vec<WordTag<D>> word) {
  return hn::Mul(hn::Add(ToFloat(d, word), hn::Set(d, 0.5f)),
                 hn::Set(d, 0x1p-32f));
}
template <class D, IfDouble<D> = nullptr>
HWY_INLINE hn::Vec<D> PositiveUnit(D d, hn::Vec<WordTag<D>> word) {
  return hn::Mul(
      hn::Add(ToDouble(d, hn::ShiftRight<11>(word), 0.0), hn::Set(d, 0.5)),
      hn::Set(d, 0x1p-53));
}

// ---- -2 ln u, for normal u in (0, 1] ----

// u = 2^e * (1 + x) with 1 + x in [sqrt(1/2), sqrt(2)).
template <class D, IfFloat<D> = nullptr>
HWY_INLINE hn::Vec<D> Neg2Log(D d, hn::Vec<D> u) {
  const SignedTag<D> di;
  const auto bits = hn::BitCast(di, u);
  const auto e =
      hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, LogOf<float>::kSqrtHalf)));
  const auto x = hn::Sub(hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(e))),
                         hn::Set(d, 1.0f));
  return hn::Add(
      hn::Mul(hn::ConvertTo(d, e), hn::Set(d, LogOf<float>::kNeg2Ln2)),
      hn::Mul(x, Horner(d, LogOf<float>::kPolynomial, x)));
}
template <class D, IfDouble<D> = nullptr>
HWY_INLINE hn::Vec<D> Neg2Log(D d, hn::Vec<D> u) {
  const WordTag<D> du;
  const auto bits = hn::BitCast(du, u);
  // The exponent plus 1024, which is positive: no target lacks logical shifts.
  const auto biased = hn::ShiftRight<52>(hn::Add(
      bits, hn::Set(du, (uint64_t{1024} << 52) - LogOf<double>::kSqrtHalf)));
  const auto e =
      hn::Sub(hn::BitCast(d, hn::Or(biased, hn::Set(du, 0x4330000000000000u))),
              hn::Set(d, 0x1p52 + 1024));
  // Left of 2^52 the bias drops out of the 64 bits.
  const auto mantissa =
      hn::Sub(bits, hn::ShiftLeft<52>(hn::Sub(biased, hn::Set(du, 1024))));
  const auto x = hn::Sub(hn::BitCast(d, mantissa), hn::Set(d, 1.0));
  const auto s = hn::Div(x, hn::Add(x, hn::Set(d, 2.0)));
  const auto z = hn::Mul(s, s);
  return hn::Add(
      hn::Mul(e, hn::Set(d, LogOf<double>::kNeg2Ln2)),
      hn::Mul(s, hn::Sub(hn::Mul(z, Horner(d, LogOf<double>::kPolynomial, z)),
                         hn::Set(d, 4.0))));
}

// ---- Box-Muller ----

// Two independent standard normal draws a lane (Box and Muller 1958). The top
// two bits of `angle` are the signs, the rest the angle in the first quadrant.
template <class D>
HWY_INLINE void StandardNormals(D d, hn::Vec<WordTag<D>> radius,
                                hn::Vec<WordTag<D>> angle, hn::Vec<D> &first,
                                hn::Vec<D> &second) {
  using Arc = ArcOf<hn::TFromD<D>>;
  const auto r = hn::Sqrt(Neg2Log(d, PositiveUnit(d, radius)));
  const auto t = CenteredUnit(d, hn::ShiftLeft<2>(angle));
  const auto square = hn::Mul(t, t);
  const auto sine = hn::Mul(t, Horner(d, Arc::kSin, square));
  const auto cosine = Horner(d, Arc::kCos, square);
  const auto sign = hn::SignBit(d);
  first = hn::Xor(hn::Mul(r, hn::Sub(cosine, sine)),
                  hn::And(hn::BitCast(d, angle), sign));
  second = hn::Xor(hn::Mul(r, hn::Add(cosine, sine)),
                   hn::And(hn::BitCast(d, hn::ShiftLeft<1>(angle)), sign));
}

// ---- Inverse of the normal distribution function ----

template <class D, size_t N>
HWY_INLINE hn::Vec<D> Ratio(D d, const hn::TFromD<D> (&p)[N],
                            const hn::TFromD<D> (&q)[N], hn::Vec<D> x) {
  return hn::Div(Horner(d, p, x), Horner(d, q, x));
}

// The quantile where `center` is at most QuantileOf<T>::kSeam; garbage
// elsewhere.
template <class D>
HWY_INLINE hn::Vec<D> CentralQuantile(D d, hn::Vec<D> center) {
  using Q = QuantileOf<hn::TFromD<D>>;
  const auto v = hn::Sub(hn::Set(d, Q::kShift), hn::Mul(center, center));
  return hn::Div(hn::Mul(center, Horner(d, Q::kCentralP, v)),
                 Horner(d, Q::kCentralQ, v));
}

// The quantile beyond it, from the tail probability.
template <class D, IfFloat<D> = nullptr>
HWY_INLINE hn::Vec<D> TailQuantile(D d, hn::Vec<D> tail) {
  using Q = QuantileOf<float>;
  return Ratio(d, Q::kTailP, Q::kTailQ, hn::Sqrt(Neg2Log(d, tail)));
}
template <class D, IfDouble<D> = nullptr>
HWY_INLINE hn::Vec<D> TailQuantile(D d, hn::Vec<D> tail) {
  using Q = QuantileOf<double>;
  const auto r = hn::Sqrt(hn::Mul(hn::Set(d, 0.5), Neg2Log(d, tail)));
  const auto near = Ratio(d, Q::kNearP, Q::kNearQ, hn::Sub(r, hn::Set(d, 1.6)));
  const auto far = Ratio(d, Q::kFarP, Q::kFarQ, hn::Sub(r, hn::Set(d, 5.0)));
  return hn::IfThenElse(hn::Le(r, hn::Set(d, 5.0)), near, far);
}

// |z| where a standard normal exceeds |z| with probability `tail` = 1/2 -
// `center`, both in [0, 1/2]. Where no lane is in the tail its part is left
// out, which changes no value.
template <class D>
HWY_INLINE hn::Vec<D> NormalQuantile(D d, hn::Vec<D> center, hn::Vec<D> tail) {
  const auto central = CentralQuantile(d, center);
  const auto is_central =
      hn::Le(center, hn::Set(d, QuantileOf<hn::TFromD<D>>::kSeam));
  if (HWY_LIKELY(hn::AllTrue(d, is_central))) return central;
  return hn::IfThenElse(is_central, central, TailQuantile(d, tail));
}

// ---- Draws: see the fields of Sampler ----

template <class D>
HWY_INLINE hn::Vec<D> Clamped(D d, const Sampler<hn::TFromD<D>> &s,
                              hn::Vec<D> value) {
  const auto low = hn::Set(d, s.low);
  const auto high = hn::Set(d, s.high);
  const auto below = hn::IfThenElse(hn::Lt(value, high), value, high);
  return hn::IfThenElse(hn::Gt(below, low), below, low);
}

// center + half * u.
template <class D>
HWY_INLINE hn::Vec<D> Mapped(D d, const Sampler<hn::TFromD<D>> &s,
                             hn::Vec<WordTag<D>> word) {
  return hn::Add(hn::Set(d, s.center),
                 hn::Mul(hn::Set(d, s.half), CenteredUnit(d, word)));
}

// mean + stddev * z.
template <class D>
HWY_INLINE hn::Vec<D> Scaled(D d, const Sampler<hn::TFromD<D>> &s,
                             hn::Vec<D> z) {
  return hn::Add(hn::Set(d, s.mean), hn::Mul(hn::Set(d, s.stddev), z));
}

template <class D>
HWY_INLINE hn::Vec<D> DrawUniform(D d, const Sampler<hn::TFromD<D>> &s,
                                  hn::Vec<WordTag<D>> word) {
  return Clamped(d, s, Mapped(d, s, word));
}

template <class D>
HWY_INLINE hn::Vec<D> DrawTruncatedAboutMean(D d,
                                             const Sampler<hn::TFromD<D>> &s,
                                             hn::Vec<WordTag<D>> word) {
  using T = hn::TFromD<D>;
  const auto y = Mapped(d, s, word);
  const auto center = hn::Abs(y);
  const auto rest = hn::Sub(hn::Set(d, kHalf<T>), center);
  const auto tiny = hn::Set(d, kSmallestTail<T>);
  const auto tail = hn::IfThenElse(hn::Gt(rest, tiny), rest, tiny);
  const auto magnitude = NormalQuantile(d, center, tail);
  const auto z =
      hn::IfThenElse(hn::Lt(y, hn::Zero(d)), hn::Neg(magnitude), magnitude);
  return Clamped(d, s, Scaled(d, s, z));
}

template <class D>
HWY_INLINE hn::Vec<D> DrawTruncatedTail(D d, const Sampler<hn::TFromD<D>> &s,
                                        hn::Vec<WordTag<D>> word) {
  using T = hn::TFromD<D>;
  const auto tail = Mapped(d, s, word);
  const auto rest = hn::Sub(hn::Set(d, kHalf<T>), tail);
  const auto center =
      hn::IfThenElse(hn::Gt(rest, hn::Zero(d)), rest, hn::Zero(d));
  const auto magnitude = NormalQuantile(d, center, tail);
  const auto z = s.negate ? hn::Neg(magnitude) : magnitude;
  return Clamped(d, s, Scaled(d, s, z));
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif  // per-target include guard
