#include "core/kernels/kernel.h"

// Vectors whose size is known only at run time cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep; includes this file again.
// After foreach_target.h, and for each target:
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "core/kernels/philox-inl.h"
#include "core/kernels/scalar_kernel.h"
#include "core/kernels/transforms-inl.h"
#include "core/kernels/wide-inl.h"
#include "core/random/sampler.h"
#include "hwy/highway.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void FillFloatBlocks(const Sampler<float>& sampler, StreamKey key,
                     BlockList blocks, int64_t count, Dtype dtype,
                     uint8_t* out) {
  FillBlocksScalar(sampler, key, blocks, count, dtype, out);
}

void FillDoubleBlocks(const Sampler<double>& sampler, StreamKey key,
                      BlockList blocks, int64_t count, uint8_t* out) {
  FillBlocksScalar(sampler, key, blocks, count, Dtype::kFloat64, out);
}

void DrawFloats(const Sampler<float>& sampler, const uint32_t* words,
                int64_t count, Dtype dtype, uint8_t* out) {
  DrawFromWordsScalar(sampler, words, count, dtype, out);
}

void DrawDoubles(const Sampler<double>& sampler, const uint64_t* words,
                 int64_t count, uint8_t* out) {
  DrawFromWordsScalar(sampler, words, count, Dtype::kFloat64, out);
}

#else  // A target with vectors.

// ---- Encoding: see half.h ----

// The result is in the high half.
HWY_INLINE Wide<uint32_t> RoundedToBfloat16(const Wide<float>& value) {
  const auto bits = BitsAs<uint32_t>(value);
  const auto odd = ShiftRight<16>(bits) & 1u;
  return bits + (odd + 0x7FFFu);
}

HWY_INLINE Wide<uint32_t> Float16Bits(const Wide<float>& value) {
  const auto bits = BitsAs<int32_t>(value);
  const auto sign = ShiftRight<16>(bits) & 0x8000;
  const auto magnitude = bits & 0x7FFFFFFF;
  const auto odd = ShiftRight<13>(magnitude) & 1;
  const auto normal = ShiftRight<13>((magnitude - 0x38000000) + (odd + 0x0FFF));
  const auto subnormal =
      BitsAs<int32_t>(BitsAs<float>(magnitude) + 0.5f) - 0x3F000000;
  const auto finite = Select(magnitude < 0x38800000, subnormal, normal);
  return BitsAs<uint32_t>(
      sign | Select(magnitude < 0x477FF000, finite, Broadcast(0x7C00)));
}

// Writes even[0], odd[0], even[1], odd[1], ...; those wider than two bytes in
// the order of BlockOrder::kInterleaved.
template <Dtype kDtype, typename F>
HWY_INLINE void StorePairs(const Draws<F>& draws, uint8_t* out) {
  if constexpr (kDtype == Dtype::kBfloat16) {
    Store(ShiftRight<16>(RoundedToBfloat16(draws.even)) |
              (RoundedToBfloat16(draws.odd) & 0xFFFF0000u),
          reinterpret_cast<uint32_t*>(out));
  } else if constexpr (kDtype == Dtype::kFloat16) {
    Store(Float16Bits(draws.even) | ShiftLeft<16>(Float16Bits(draws.odd)),
          reinterpret_cast<uint32_t*>(out));
  } else {
    const Wide<F>& even = draws.even;
    const Wide<F>& odd = draws.odd;
    const Tag<F> d;
    auto* const values = reinterpret_cast<F*>(out);
    Store(Wide<F>{hn::InterleaveLower(d, even.a, odd.a),
                  hn::InterleaveUpper(d, even.a, odd.a)},
          values);
    Store(Wide<F>{hn::InterleaveLower(d, even.b, odd.b),
                  hn::InterleaveUpper(d, even.b, odd.b)},
          values + WideLanes<F>());
  }
}

// The order of blocks for it.
template <Dtype kDtype>
inline constexpr BlockOrder kBlockOrder =
    kDtype == Dtype::kBfloat16 || kDtype == Dtype::kFloat16
        ? BlockOrder::kConsecutive
        : BlockOrder::kInterleaved;

// ---- The loop over a tile ----

// The draws of the elements that own `even` and `odd`, neighbours in a block;
// for kNormal `even` is the radius already.
template <auto kKind, auto kClamping, typename F, typename Word>
HWY_INLINE Draws<F> DrawPairs(const Sampler<F>& s, const Wide<Word>& even,
                              const Wide<Word>& odd) {
  using Kind = typename Sampler<F>::Kind;
  if constexpr (kKind == Kind::kUniform) {
    return {DrawUniform<kClamping>(s, even), DrawUniform<kClamping>(s, odd)};
  } else if constexpr (kKind == Kind::kNormal) {
    return DrawNormals(s, BitsAs<F>(even), odd);
  } else if constexpr (kKind == Kind::kTruncatedAboutMean) {
    return {DrawTruncatedAboutMean(s, even), DrawTruncatedAboutMean(s, odd)};
  } else {
    static_assert(kKind == Kind::kTruncatedTail);
    return {DrawTruncatedTail(s, even), DrawTruncatedTail(s, odd)};
  }
}

// The radii of normal draws in place of their words. A loop of its own, because
// the constants of both halves of the work do not fit into the registers.
template <typename F>
HWY_NOINLINE void TransformRadii(size_t pairs, Words& words) {
  using Word = typename DrawWord<F>::type;
  auto* const even = reinterpret_cast<Word*>(words.even);
  for (size_t at = 0; at < pairs; at += WideLanes<F>()) {
    Store(BitsAs<Word>(NormalRadius(Load(even + at))), even + at);
  }
}

template <Dtype kDtype, auto kKind, auto kClamping, typename F>
HWY_NOINLINE void TransformTile(const Sampler<F>& sampler, Words& words,
                                size_t count, uint8_t* out) {
  using Word = typename DrawWord<F>::type;
  // A copy, which writing the output cannot change.
  const Sampler<F> s = sampler;
  const auto* const even = reinterpret_cast<const Word*>(words.even);
  const auto* const odd = reinterpret_cast<const Word*>(words.odd);
  const auto bytes = static_cast<size_t>(DtypeBytes(kDtype));
  const size_t pairs = count * (8 / sizeof(Word));
  if constexpr (kKind == Sampler<F>::Kind::kNormal) {
    TransformRadii<F>(pairs, words);
  }
  for (size_t at = 0; at < pairs; at += WideLanes<F>()) {
    StorePairs<kDtype>(
        DrawPairs<kKind, kClamping>(s, Load(even + at), Load(odd + at)),
        out + 2 * at * bytes);
  }
}

template <Dtype kDtype, typename F>
HWY_INLINE void TransformTile(const Sampler<F>& sampler, Words& words,
                              size_t count, uint8_t* out) {
  using Kind = typename Sampler<F>::Kind;
  using Clamping = typename Sampler<F>::Clamping;
  constexpr auto kBoth = Clamping::kBoth;
  switch (sampler.kind) {
    case Kind::kConstant:
      break;
    case Kind::kUniform:
      if (sampler.clamping == Clamping::kNone) {
        TransformTile<kDtype, Kind::kUniform, Clamping::kNone>(sampler, words,
                                                               count, out);
      } else if (sampler.clamping == Clamping::kHigh) {
        TransformTile<kDtype, Kind::kUniform, Clamping::kHigh>(sampler, words,
                                                               count, out);
      } else {
        TransformTile<kDtype, Kind::kUniform, kBoth>(sampler, words, count,
                                                     out);
      }
      break;
    case Kind::kNormal:
      TransformTile<kDtype, Kind::kNormal, kBoth>(sampler, words, count, out);
      break;
    case Kind::kTruncatedAboutMean:
      TransformTile<kDtype, Kind::kTruncatedAboutMean, kBoth>(sampler, words,
                                                              count, out);
      break;
    case Kind::kTruncatedTail:
      TransformTile<kDtype, Kind::kTruncatedTail, kBoth>(sampler, words, count,
                                                         out);
      break;
  }
}

// The words of the blocks of a stream; or given ones.
template <Dtype kDtype, typename F>
HWY_INLINE void FillTile(const Sampler<F>& sampler, StreamKey key,
                         BlockList blocks, int64_t count, uint8_t* out) {
  Words words;
  const auto n = static_cast<size_t>(RoundUpToGroup(count));
  GenerateWords<F, kBlockOrder<kDtype>>(key, blocks, n, words);
  TransformTile<kDtype>(sampler, words, n, out);
}
template <Dtype kDtype, typename F>
HWY_INLINE void FillTile(const Sampler<F>& sampler,
                         const typename DrawWord<F>::type* given, int64_t count,
                         uint8_t* out) {
  Words words;
  const auto n = static_cast<size_t>(count);
  ArrangeWords<F, kBlockOrder<kDtype>>(given, n, words);
  TransformTile<kDtype>(sampler, words, n, out);
}

// FillTile for the dtypes that are drawn as float.
template <class... Arguments>
HWY_INLINE void FillTileOf(Dtype dtype, const Arguments&... arguments) {
  if (dtype == Dtype::kFloat16) {
    FillTile<Dtype::kFloat16>(arguments...);
  } else if (dtype == Dtype::kBfloat16) {
    FillTile<Dtype::kBfloat16>(arguments...);
  } else {
    FillTile<Dtype::kFloat32>(arguments...);
  }
}

void FillFloatBlocks(const Sampler<float>& sampler, StreamKey key,
                     BlockList blocks, int64_t count, Dtype dtype,
                     uint8_t* out) {
  FillTileOf(dtype, sampler, key, blocks, count, out);
}

void FillDoubleBlocks(const Sampler<double>& sampler, StreamKey key,
                      BlockList blocks, int64_t count, uint8_t* out) {
  FillTile<Dtype::kFloat64>(sampler, key, blocks, count, out);
}

void DrawFloats(const Sampler<float>& sampler, const uint32_t* words,
                int64_t count, Dtype dtype, uint8_t* out) {
  FillTileOf(dtype, sampler, words, count, out);
}

void DrawDoubles(const Sampler<double>& sampler, const uint64_t* words,
                 int64_t count, uint8_t* out) {
  FillTile<Dtype::kFloat64>(sampler, words, count, out);
}

#endif  // HWY_TARGET

int64_t ThisTarget() { return HWY_TARGET; }

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weightinit {

HWY_EXPORT(FillFloatBlocks);
HWY_EXPORT(FillDoubleBlocks);
HWY_EXPORT(DrawFloats);
HWY_EXPORT(DrawDoubles);
HWY_EXPORT(ThisTarget);

void FillBlocks(const Sampler<float>& sampler, StreamKey key, BlockList blocks,
                int64_t count, Dtype dtype, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(FillFloatBlocks)
  (sampler, key, blocks, count, dtype, out);
}

void FillBlocks(const Sampler<double>& sampler, StreamKey key, BlockList blocks,
                int64_t count, Dtype /*dtype*/, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(FillDoubleBlocks)(sampler, key, blocks, count, out);
}

void DrawFromWords(const Sampler<float>& sampler, const uint32_t* words,
                   int64_t count, Dtype dtype, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(DrawFloats)(sampler, words, count, dtype, out);
}

void DrawFromWords(const Sampler<double>& sampler, const uint64_t* words,
                   int64_t count, Dtype /*dtype*/, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(DrawDoubles)(sampler, words, count, out);
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
