#include "core/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep; includes this file again.
// After foreach_target.h, and for each target:
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "core/philox-inl.h"
#include "core/sampler.h"
#include "core/scalar_kernel.h"
#include "core/transforms-inl.h"
#include "core/wide-inl.h"
#include "hwy/highway.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void FillFloatBlocks(const Sampler<float> &sampler, StreamKey key,
                     BlockList blocks, int64_t count, Dtype dtype,
                     uint8_t *out) {
  FillBlocksScalar(sampler, key, blocks, count, dtype, out);
}

void FillDoubleBlocks(const Sampler<double> &sampler, StreamKey key,
                      BlockList blocks, int64_t count, uint8_t *out) {
  FillBlocksScalar(sampler, key, blocks, count, Dtype::kFloat64, out);
}

#else  // A target with vectors.

// ---- Encoding ----

// See half.h.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> Bfloat16Bits(D d,
                                                         hn::Vec<D> value) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  return hn::ShiftRight<16>(hn::Add(bits, hn::Add(hn::Set(du, 0x7FFFu), odd)));
}
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> Float16Bits(D d, hn::Vec<D> value) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(du, value);
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000u));
  const auto magnitude = hn::And(bits, hn::Set(du, 0x7FFFFFFFu));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1u));
  const auto normal =
      hn::ShiftRight<13>(hn::Add(hn::Sub(magnitude, hn::Set(du, 0x38000000u)),
                                 hn::Add(hn::Set(du, 0x0FFFu), odd)));
  const auto subnormal = hn::Sub(
      hn::BitCast(du, hn::Add(hn::BitCast(d, magnitude), hn::Set(d, 0.5f))),
      hn::Set(du, 0x3F000000u));
  // Magnitudes are positive as signed numbers too, which every target compares.
  const auto at_least = [&](int32_t bound) HWY_ATTR {
    return hn::RebindMask(
        du, hn::Gt(hn::BitCast(di, magnitude), hn::Set(di, bound - 1)));
  };
  const auto finite = hn::IfThenElse(at_least(0x38800000), normal, subnormal);
  return hn::Or(
      sign, hn::IfThenElse(at_least(0x477FF000), hn::Set(du, 0x7C00u), finite));
}

template <class D, class V>
HWY_INLINE void Store16(D d, V bits, uint8_t *out) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint16_t, D> d16;
  // Bits are below 2^16, so that saturation does nothing.
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, bits)), d16,
             reinterpret_cast<uint16_t *>(out));
}

template <Dtype kDtype, class D>
HWY_INLINE void Encode(D d, hn::Vec<D> draws, size_t at, uint8_t *out) {
  if constexpr (kDtype == Dtype::kFloat16) {
    Store16(d, Float16Bits(d, draws), out + at * 2);
  } else if constexpr (kDtype == Dtype::kBfloat16) {
    Store16(d, Bfloat16Bits(d, draws), out + at * 2);
  } else {
    using T = hn::TFromD<D>;
    hn::StoreU(draws, d, reinterpret_cast<T *>(out + at * sizeof(T)));
  }
}

// ---- The loop over a tile ----

// The draws of the elements that own `even` and `odd`, neighbours in a block.
template <auto kKind, bool kPlain, typename F, typename Word>
HWY_INLINE void DrawPair(const Sampler<F> &s, Wide<Word> even, Wide<Word> odd,
                         Wide<F> &first, Wide<F> &second) {
  using Kind = typename Sampler<F>::Kind;
  if constexpr (kKind == Kind::kUniform && kPlain) {
    first = DrawPlainUniform(s, even);
    second = DrawPlainUniform(s, odd);
  } else if constexpr (kKind == Kind::kUniform) {
    first = DrawUniform(s, even);
    second = DrawUniform(s, odd);
  } else if constexpr (kKind == Kind::kNormal) {
    StandardNormals(even, odd, first, second);
    first = Scaled(s, first);
    second = Scaled(s, second);
  } else if constexpr (kKind == Kind::kTruncatedAboutMean) {
    first = DrawTruncatedAboutMean(s, even);
    second = DrawTruncatedAboutMean(s, odd);
  } else {
    static_assert(kKind == Kind::kTruncatedTail);
    first = DrawTruncatedTail(s, even);
    second = DrawTruncatedTail(s, odd);
  }
}

template <Dtype kDtype, auto kKind, bool kPlain = false, typename F>
HWY_NOINLINE void TransformTile(const Sampler<F> &sampler, const Words &words,
                                size_t count, uint8_t *out) {
  using Word = typename DrawWord<F>::type;
  const Tag<F> d;
  const size_t lanes = hn::Lanes(d);
  // A copy, which writing the output cannot change.
  const Sampler<F> s = sampler;
  const auto *const even = reinterpret_cast<const Word *>(words.even);
  const auto *const odd = reinterpret_cast<const Word *>(words.odd);
  const size_t pairs = count * (8 / sizeof(Word));
  for (size_t at = 0; at < pairs; at += 2 * lanes) {
    Wide<F> first;
    Wide<F> second;
    DrawPair<kKind, kPlain>(s, Load(even + at), Load(odd + at), first, second);
    Encode<kDtype>(d, hn::InterleaveLower(d, first.a, second.a), 2 * at, out);
    Encode<kDtype>(d, hn::InterleaveUpper(d, first.a, second.a), 2 * at + lanes,
                   out);
    Encode<kDtype>(d, hn::InterleaveLower(d, first.b, second.b),
                   2 * at + 2 * lanes, out);
    Encode<kDtype>(d, hn::InterleaveUpper(d, first.b, second.b),
                   2 * at + 3 * lanes, out);
  }
}

template <Dtype kDtype, typename F>
HWY_INLINE void TransformTile(const Sampler<F> &sampler, const Words &words,
                              size_t count, uint8_t *out) {
  using Kind = typename Sampler<F>::Kind;
  switch (sampler.kind) {
    case Kind::kConstant:
      break;
    case Kind::kUniform:
      if (sampler.plain) {
        TransformTile<kDtype, Kind::kUniform, true>(sampler, words, count, out);
      } else {
        TransformTile<kDtype, Kind::kUniform>(sampler, words, count, out);
      }
      break;
    case Kind::kNormal:
      TransformTile<kDtype, Kind::kNormal>(sampler, words, count, out);
      break;
    case Kind::kTruncatedAboutMean:
      TransformTile<kDtype, Kind::kTruncatedAboutMean>(sampler, words, count,
                                                       out);
      break;
    case Kind::kTruncatedTail:
      TransformTile<kDtype, Kind::kTruncatedTail>(sampler, words, count, out);
      break;
  }
}

void FillFloatBlocks(const Sampler<float> &sampler, StreamKey key,
                     BlockList blocks, int64_t count, Dtype dtype,
                     uint8_t *out) {
  Words words;
  const auto n = static_cast<size_t>(RoundUpToGroup(count));
  GenerateWords<float>(key, blocks, n, words);
  if (dtype == Dtype::kFloat16) {
    TransformTile<Dtype::kFloat16>(sampler, words, n, out);
  } else if (dtype == Dtype::kBfloat16) {
    TransformTile<Dtype::kBfloat16>(sampler, words, n, out);
  } else {
    TransformTile<Dtype::kFloat32>(sampler, words, n, out);
  }
}

void FillDoubleBlocks(const Sampler<double> &sampler, StreamKey key,
                      BlockList blocks, int64_t count, uint8_t *out) {
  Words words;
  const auto n = static_cast<size_t>(RoundUpToGroup(count));
  GenerateWords<double>(key, blocks, n, words);
  TransformTile<Dtype::kFloat64>(sampler, words, n, out);
}

#endif  // HWY_TARGET

int64_t ThisTarget() { return HWY_TARGET; }

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weightinit {

HWY_EXPORT(FillFloatBlocks);
HWY_EXPORT(FillDoubleBlocks);
HWY_EXPORT(ThisTarget);

void FillBlocks(const Sampler<float> &sampler, StreamKey key, BlockList blocks,
                int64_t count, Dtype dtype, uint8_t *out) {
  HWY_DYNAMIC_DISPATCH(FillFloatBlocks)
  (sampler, key, blocks, count, dtype, out);
}

void FillBlocks(const Sampler<double> &sampler, StreamKey key, BlockList blocks,
                int64_t count, Dtype /*dtype*/, uint8_t *out) {
  HWY_DYNAMIC_DISPATCH(FillDoubleBlocks)(sampler, key, blocks, count, out);
}

int64_t KernelTargets() { return HWY_TARGETS; }

int64_t KernelTargetInUse() { return HWY_DYNAMIC_DISPATCH(ThisTarget)(); }

std::string KernelTargetName(int64_t target) {
  // Highway's name for AVX-512 is its own.
  if (target == HWY_AVX3) return "avx512";
  return absl::AsciiStrToLower(hwy::TargetName(target));
}

}  // namespace weightinit
#endif  // HWY_ONCE
