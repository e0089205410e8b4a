#include "core/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep; includes this file again.
// After foreach_target.h, and for each target:
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "core/philox.h"
#include "core/sampler.h"
#include "core/scalar_kernel.h"
#include "core/transforms-inl.h"
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

// Blocks are generated one to a 64-bit lane. Draws leave as pairs (first,
// second) of vectors that are interleaved within 128 bits; with the blocks of a
// group in this order they then lie in memory as they should: even lanes hold
// the first half of the group, odd lanes the second.
template <class DW>
HWY_INLINE hn::Vec<DW> LaneBlocks(DW dw) {
  const size_t lanes = hn::Lanes(dw);
  HWY_ALIGN uint64_t offsets[HWY_MAX_BYTES / 8];
  for (size_t i = 0; i < lanes; ++i) {
    offsets[i] = i / 2 + (i % 2) * (lanes / 2);
  }
  return hn::Load(dw, offsets);
}

// The state of Philox4x32 for one block a lane. Only the low half of a lane of
// c0 and c2 counts; c1 and c3 are multiplied next, where again only that half
// does.
template <class DW>
struct PhiloxState {
  hn::Vec<DW> c0, c1, c2, c3;
};

template <class DW>
HWY_INLINE void PhiloxRound(DW dw, hn::Vec<DW> key0, hn::Vec<DW> key1,
                            PhiloxState<DW> &s) {
  const hn::Repartition<uint32_t, DW> d32;
  const auto m0 = hn::Set(dw, kPhiloxMultiplier0);
  const auto m1 = hn::Set(dw, kPhiloxMultiplier1);
  const auto p = hn::MulEven(hn::BitCast(d32, s.c0), hn::BitCast(d32, m0));
  const auto q = hn::MulEven(hn::BitCast(d32, s.c2), hn::BitCast(d32, m1));
  s.c0 = hn::Xor(hn::ShiftRight<32>(q), hn::Xor(s.c1, key0));
  s.c1 = q;
  s.c2 = hn::Xor(hn::ShiftRight<32>(p), hn::Xor(s.c3, key1));
  s.c3 = p;
}

// Low halves of `low` lanes below low halves of `high` lanes.
template <class DW>
HWY_INLINE hn::Vec<DW> Pack(DW dw, hn::Vec<DW> low, hn::Vec<DW> high) {
  const hn::Repartition<uint32_t, DW> d32;
  return hn::BitCast(dw, hn::OddEven(hn::BitCast(d32, hn::ShiftLeft<32>(high)),
                                     hn::BitCast(d32, low)));
}

// The words of a tile, in two planes: those of the elements with even index and
// those with odd index.
struct Words {
  HWY_ALIGN uint64_t even[kTileBlocks];
  HWY_ALIGN uint64_t odd[kTileBlocks];
};

template <typename F>
HWY_INLINE void GenerateWords(StreamKey key, BlockList blocks, size_t count,
                              Words &words) {
  using DW = hn::CappedTag<uint64_t, kGroupBlocks>;
  const DW dw;
  const size_t lanes = hn::Lanes(dw);
  const auto lane_blocks = LaneBlocks(dw);
  const auto s0 = hn::Set(dw, key.stream & 0xFFFFFFFFu);
  const auto s1 = hn::Set(dw, key.stream >> 32);
  uint32_t keys[kPhiloxRounds][2];
  for (int r = 0; r < kPhiloxRounds; ++r) {
    const auto n = static_cast<uint32_t>(r);
    keys[r][0] = static_cast<uint32_t>(key.key) + n * kPhiloxWeyl0;
    keys[r][1] = static_cast<uint32_t>(key.key >> 32) + n * kPhiloxWeyl1;
  }
  const auto indices = [&](size_t at) HWY_ATTR {
    if (blocks.indices == nullptr) {
      return hn::Add(hn::Set(dw, blocks.first + at), lane_blocks);
    }
    HWY_ALIGN uint64_t chosen[HWY_MAX_BYTES / 8];
    for (size_t i = 0; i < lanes; ++i) {
      chosen[i] = blocks.indices[at + i / 2 + (i % 2) * (lanes / 2)];
    }
    return hn::Load(dw, chosen);
  };
  const auto store = [&](const PhiloxState<DW> &s, size_t at) HWY_ATTR {
    if constexpr (sizeof(F) == 4) {
      // 32-bit lanes: elements 0 and 2 of each block, 1 and 3.
      hn::Store(Pack(dw, s.c0, s.c2), dw, words.even + at);
      hn::Store(Pack(dw, s.c1, s.c3), dw, words.odd + at);
    } else {
      hn::Store(Pack(dw, s.c0, s.c1), dw, words.even + at);
      hn::Store(Pack(dw, s.c2, s.c3), dw, words.odd + at);
    }
  };
  // Two groups at once, because a round waits for its multiplications.
  for (size_t at = 0; at < count; at += 2 * lanes) {
    const auto a_index = indices(at);
    const auto b_index = indices(at + lanes);
    PhiloxState<DW> a{a_index, hn::ShiftRight<32>(a_index), s0, s1};
    PhiloxState<DW> b{b_index, hn::ShiftRight<32>(b_index), s0, s1};
    for (int r = 0; r < kPhiloxRounds; ++r) {
      const auto key0 = hn::Set(dw, uint64_t{keys[r][0]});
      const auto key1 = hn::Set(dw, uint64_t{keys[r][1]});
      PhiloxRound(dw, key0, key1, a);
      PhiloxRound(dw, key0, key1, b);
    }
    store(a, at);
    store(b, at + lanes);
  }
}

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

// `draw(even, odd, first, second)` makes the draws of the elements with even
// and odd index from their words.
template <Dtype kDtype, class D, class Draw>
HWY_INLINE void ForEachPair(D d, const Words &words, size_t count, uint8_t *out,
                            const Draw &draw) {
  using Word = hn::TFromD<WordTag<D>>;
  const WordTag<D> dw;
  const size_t lanes = hn::Lanes(d);
  const auto *const even = reinterpret_cast<const Word *>(words.even);
  const auto *const odd = reinterpret_cast<const Word *>(words.odd);
  const size_t pairs = count * (8 / sizeof(Word));
  for (size_t at = 0; at < pairs; at += lanes) {
    hn::Vec<D> first;
    hn::Vec<D> second;
    draw(hn::Load(dw, even + at), hn::Load(dw, odd + at), first, second);
    Encode<kDtype>(d, hn::InterleaveLower(d, first, second), 2 * at, out);
    Encode<kDtype>(d, hn::InterleaveUpper(d, first, second), 2 * at + lanes,
                   out);
  }
}

template <Dtype kDtype, typename F>
HWY_INLINE void TransformTile(const Sampler<F> &sampler, const Words &words,
                              size_t count, uint8_t *out) {
  using D = hn::CappedTag<F, kGroupBlocks * 8 / sizeof(F)>;
  const D d;
  using V = hn::Vec<D>;
  using W = hn::Vec<WordTag<D>>;
  using Kind = typename Sampler<F>::Kind;
  const Sampler<F> s = sampler;
  switch (s.kind) {
    case Kind::kConstant:
      break;
    case Kind::kUniform:
      ForEachPair<kDtype>(d, words, count, out,
                          [&](W even, W odd, V &first, V &second) HWY_ATTR {
                            first = DrawUniform(d, s, even);
                            second = DrawUniform(d, s, odd);
                          });
      break;
    case Kind::kNormal:
      ForEachPair<kDtype>(d, words, count, out,
                          [&](W even, W odd, V &first, V &second) HWY_ATTR {
                            StandardNormals(d, even, odd, first, second);
                            first = Scaled(d, s, first);
                            second = Scaled(d, s, second);
                          });
      break;
    case Kind::kTruncatedAboutMean:
      ForEachPair<kDtype>(d, words, count, out,
                          [&](W even, W odd, V &first, V &second) HWY_ATTR {
                            first = DrawTruncatedAboutMean(d, s, even);
                            second = DrawTruncatedAboutMean(d, s, odd);
                          });
      break;
    case Kind::kTruncatedTail:
      ForEachPair<kDtype>(d, words, count, out,
                          [&](W even, W odd, V &first, V &second) HWY_ATTR {
                            first = DrawTruncatedTail(d, s, even);
                            second = DrawTruncatedTail(d, s, odd);
                          });
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
