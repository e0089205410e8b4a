// Numbers in the lanes of two vectors, with the operators of numbers. A draw is
// a long chain of operations that wait for each other; with two vectors side by
// side a core has something to do meanwhile. Included once for each target of
// Highway (see kernel.cc).

#if defined(WEIGHTINIT_CORE_KERNELS_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEIGHTINIT_CORE_KERNELS_WIDE_INL_H_
#undef WEIGHTINIT_CORE_KERNELS_WIDE_INL_H_
#else
#define WEIGHTINIT_CORE_KERNELS_WIDE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR  // That one has core/scalar_kernel.h.

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using Tag = hn::ScalableTag<T>;

// Lanes of T; the first half is in `a`.
template <typename T>
struct Wide {
  hn::Vec<Tag<T>> a;
  hn::Vec<Tag<T>> b;
};

template <typename T>
struct WideMask {
  hn::Mask<Tag<T>> a;
  hn::Mask<Tag<T>> b;
};

template <typename T>
HWY_INLINE size_t WideLanes() {
  return 2 * hn::Lanes(Tag<T>());
}

template <typename T>
HWY_INLINE Wide<T> Broadcast(T value) {
  const auto v = hn::Set(Tag<T>(), value);
  return {v, v};
}

// `from` is aligned to a vector.
template <typename T>
HWY_INLINE Wide<T> Load(const T* from) {
  const Tag<T> d;
  return {hn::Load(d, from), hn::Load(d, from + hn::Lanes(d))};
}

template <typename T>
HWY_INLINE void Store(const Wide<T>& x, T* to) {
  const Tag<T> d;
  hn::StoreU(x.a, d, to);
  hn::StoreU(x.b, d, to + hn::Lanes(d));
}

#define WEIGHTINIT_WIDE_OPERATOR(op, Operation)                        \
  template <typename T>                                                \
  HWY_INLINE Wide<T> operator op(const Wide<T>& x, const Wide<T>& y) { \
    return {hn::Operation(x.a, y.a), hn::Operation(x.b, y.b)};         \
  }                                                                    \
  template <typename T>                                                \
  HWY_INLINE Wide<T> operator op(const Wide<T>& x, T y) {              \
    return x op Broadcast(y);                                          \
  }                                                                    \
  template <typename T>                                                \
  HWY_INLINE Wide<T> operator op(T x, const Wide<T>& y) {              \
    return Broadcast(x) op y;                                          \
  }
WEIGHTINIT_WIDE_OPERATOR(+, Add)
WEIGHTINIT_WIDE_OPERATOR(-, Sub)
WEIGHTINIT_WIDE_OPERATOR(*, Mul)
WEIGHTINIT_WIDE_OPERATOR(/, Div)
WEIGHTINIT_WIDE_OPERATOR(&, And)
WEIGHTINIT_WIDE_OPERATOR(|, Or)
WEIGHTINIT_WIDE_OPERATOR(^, Xor)
#undef WEIGHTINIT_WIDE_OPERATOR

template <int kBits, typename T>
HWY_INLINE Wide<T> ShiftLeft(const Wide<T>& x) {
  return {hn::ShiftLeft<kBits>(x.a), hn::ShiftLeft<kBits>(x.b)};
}
// Arithmetic where T is signed.
template <int kBits, typename T>
HWY_INLINE Wide<T> ShiftRight(const Wide<T>& x) {
  return {hn::ShiftRight<kBits>(x.a), hn::ShiftRight<kBits>(x.b)};
}

// The lanes' bits as another type of the same size.
template <typename To, typename From>
HWY_INLINE Wide<To> BitsAs(const Wide<From>& x) {
  static_assert(sizeof(To) == sizeof(From));
  return {hn::BitCast(Tag<To>(), x.a), hn::BitCast(Tag<To>(), x.b)};
}

// Integers rounded to nearest even.
template <typename Integer>
HWY_INLINE Wide<float> ToFloat(const Wide<Integer>& x) {
  const Tag<float> d;
  return {hn::ConvertTo(d, x.a), hn::ConvertTo(d, x.b)};
}
template <typename Integer>
HWY_INLINE Wide<double> ToDouble(const Wide<Integer>& x) {
  const Tag<double> d;
  return {hn::ConvertTo(d, x.a), hn::ConvertTo(d, x.b)};
}

template <typename T>
HWY_INLINE Wide<T> Sqrt(const Wide<T>& x) {
  return {hn::Sqrt(x.a), hn::Sqrt(x.b)};
}
template <typename T>
HWY_INLINE Wide<T> Negated(const Wide<T>& x) {
  return {hn::Neg(x.a), hn::Neg(x.b)};
}
template <typename T>
HWY_INLINE Wide<T> Magnitude(const Wide<T>& x) {
  return {hn::Abs(x.a), hn::Abs(x.b)};
}

template <typename T>
HWY_INLINE WideMask<T> operator<(const Wide<T>& x, T y) {
  const auto bound = hn::Set(Tag<T>(), y);
  return {hn::Lt(x.a, bound), hn::Lt(x.b, bound)};
}
template <typename T>
HWY_INLINE WideMask<T> operator<=(const Wide<T>& x, T y) {
  const auto bound = hn::Set(Tag<T>(), y);
  return {hn::Le(x.a, bound), hn::Le(x.b, bound)};
}
template <typename T>
HWY_INLINE bool AllTrue(WideMask<T> mask) {
  const Tag<T> d;
  return hn::AllTrue(d, mask.a) && hn::AllTrue(d, mask.b);
}
template <typename T>
HWY_INLINE Wide<T> Select(WideMask<T> mask, Wide<T> yes, Wide<T> no) {
  return {hn::IfThenElse(mask.a, yes.a, no.a),
          hn::IfThenElse(mask.b, yes.b, no.b)};
}

// x if it is below the bound, otherwise the bound; x if it is above. Two zeros
// of different sign are neither below nor above each other.
template <typename T>
HWY_INLINE Wide<T> AtMost(const Wide<T>& x, T bound) {
  const auto v = hn::Set(Tag<T>(), bound);
#if HWY_ARCH_X86  // Where that is what the instruction for the minimum does.
  return {hn::Min(x.a, v), hn::Min(x.b, v)};
#else
  return {hn::IfThenElse(hn::Lt(x.a, v), x.a, v),
          hn::IfThenElse(hn::Lt(x.b, v), x.b, v)};
#endif
}
template <typename T>
HWY_INLINE Wide<T> AtLeast(const Wide<T>& x, T bound) {
  const auto v = hn::Set(Tag<T>(), bound);
#if HWY_ARCH_X86
  return {hn::Max(x.a, v), hn::Max(x.b, v)};
#else
  return {hn::IfThenElse(hn::Gt(x.a, v), x.a, v),
          hn::IfThenElse(hn::Gt(x.b, v), x.b, v)};
#endif
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif  // per-target include guard
