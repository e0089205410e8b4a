// Philox4x32-10 (core/philox.h), many blocks at a time. Included once for each
// target of Highway (see kernel.cc).

#if defined(WEIGHTINIT_CORE_KERNELS_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEIGHTINIT_CORE_KERNELS_PHILOX_INL_H_
#undef WEIGHTINIT_CORE_KERNELS_PHILOX_INL_H_
#else
#define WEIGHTINIT_CORE_KERNELS_PHILOX_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "core/kernels/kernel.h"
#include "core/random/philox.h"
#include "core/random/transforms.h"
#include "hwy/highway.h"
#include "weightinit/core/plan.h"

#if HWY_TARGET != HWY_SCALAR  // That one has core/scalar_kernel.h.

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One block is computed in each 64-bit lane, where a product of two 32-bit
// words has room.
using BlockTag = hn::ScalableTag<uint64_t>;
using BlockVec = hn::Vec<BlockTag>;
using HalfTag = hn::Repartition<uint32_t, BlockTag>;
using HalfVec = hn::Vec<HalfTag>;

// Vectors computed side by side, because a round waits for its multiplications:
// as many as fit into the registers.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
inline constexpr size_t kStreams = 4;
#else
inline constexpr size_t kStreams = 2;
#endif

// The words of a tile, in two planes: those of the elements with even index and
// those with odd index.
struct Words {
  HWY_ALIGN uint64_t even[kTileBlocks];
  HWY_ALIGN uint64_t odd[kTileBlocks];
};

// Of the state, only the low half of each lane counts; c1 and c3 have the rest
// of the product above it.
struct PhiloxState {
  // Written out because g++ 12 compiles implied ones without the target.
  HWY_INLINE PhiloxState() {}
  HWY_INLINE PhiloxState(BlockVec w0, BlockVec w1, BlockVec w2, BlockVec w3)
      : c0(w0), c1(w1), c2(w2), c3(w3) {}
  BlockVec c0, c1, c2, c3;
};

HWY_INLINE BlockVec Times(BlockVec x, uint32_t multiplier) {
  const HalfTag d;
  return hn::MulEven(hn::BitCast(d, x), hn::Set(d, multiplier));
}

HWY_INLINE void PhiloxRound(BlockVec key0, BlockVec key1, PhiloxState& s) {
  const BlockVec p = Times(s.c0, kPhiloxMultiplier0);
  const BlockVec q = Times(s.c2, kPhiloxMultiplier1);
  s.c0 = hn::Xor(hn::ShiftRight<32>(q), hn::Xor(s.c1, key0));
  s.c2 = hn::Xor(hn::ShiftRight<32>(p), hn::Xor(s.c3, key1));
  s.c1 = q;
  s.c3 = p;
}

// Low halves of the lanes of `low` below those of `high`.
HWY_INLINE BlockVec LowHalves(BlockVec low, BlockVec high) {
#if HWY_TARGET <= HWY_AVX3
  // One instruction, which g++ does not see in the two.
  return BlockVec{
      _mm512_mask_shuffle_epi32(low.raw, 0xAAAA, high.raw, _MM_PERM_CCAA)};
#else
  const HalfTag d;
  return hn::BitCast(BlockTag(), hn::OddEven(hn::DupEven(hn::BitCast(d, high)),
                                             hn::BitCast(d, low)));
#endif
}
// High halves of the lanes of `low` below those of `high`.
HWY_INLINE BlockVec HighHalves(BlockVec low, BlockVec high) {
  const HalfTag d;
  return hn::BitCast(BlockTag(), hn::OddEven(hn::BitCast(d, high),
                                             hn::DupOdd(hn::BitCast(d, low))));
}

// The last round, and the words of the blocks to the planes. F is float, which
// draws from 32 bits (even: words 0 and 2), or double (even: words 0 and 1).
template <typename F>
HWY_INLINE void LastRound(BlockVec key0, BlockVec key1, const PhiloxState& s,
                          uint64_t* even, uint64_t* odd) {
  const BlockTag d;
  const BlockVec p = Times(s.c0, kPhiloxMultiplier0);
  const BlockVec q = Times(s.c2, kPhiloxMultiplier1);
  if constexpr (sizeof(F) == 4) {
    hn::Store(hn::Xor(HighHalves(q, p),
                      hn::Xor(LowHalves(s.c1, s.c3), LowHalves(key0, key1))),
              d, even);
    hn::Store(LowHalves(q, p), d, odd);
  } else {
    const auto low = hn::Set(d, 0xFFFFFFFFu);
    hn::Store(
        hn::Xor(hn::RotateRight<32>(q), hn::Xor(hn::And(s.c1, low), key0)), d,
        even);
    hn::Store(
        hn::Xor(hn::RotateRight<32>(p), hn::Xor(hn::And(s.c3, low), key1)), d,
        odd);
  }
}

// `start(at)` is the state before the first round of the vector of blocks
// from `at` on.
template <typename F, class Start>
HWY_INLINE void GenerateBlocks(StreamKey key, size_t count, const Start& start,
                               Words& words) {
  const BlockTag d;
  const size_t lanes = hn::Lanes(d);
  uint32_t keys[kPhiloxRounds][2];
  for (int r = 0; r < kPhiloxRounds; ++r) {
    const auto n = static_cast<uint32_t>(r);
    keys[r][0] = static_cast<uint32_t>(key.key) + n * kPhiloxWeyl0;
    keys[r][1] = static_cast<uint32_t>(key.key >> 32) + n * kPhiloxWeyl1;
  }
  for (size_t at = 0; at < count; at += kStreams * lanes) {
    PhiloxState states[kStreams];
    for (size_t i = 0; i < kStreams; ++i) states[i] = start(at + i * lanes);
    HWY_UNROLL(9)
    for (int r = 0; r < kPhiloxRounds - 1; ++r) {
      const auto key0 = hn::Set(d, uint64_t{keys[r][0]});
      const auto key1 = hn::Set(d, uint64_t{keys[r][1]});
      for (PhiloxState& s : states) PhiloxRound(key0, key1, s);
    }
    const auto key0 = hn::Set(d, uint64_t{keys[kPhiloxRounds - 1][0]});
    const auto key1 = hn::Set(d, uint64_t{keys[kPhiloxRounds - 1][1]});
    for (size_t i = 0; i < kStreams; ++i) {
      LastRound<F>(key0, key1, states[i], words.even + at + i * lanes,
                   words.odd + at + i * lanes);
    }
  }
}

// Which block of a vector is in which lane.
enum class BlockOrder {
  kConsecutive,
  // The first half of the blocks in even lanes and the second in odd ones: what
  // is interleaved within 128 bits then lies in memory as it should.
  kInterleaved,
};

template <BlockOrder kOrder>
HWY_INLINE size_t BlockOfLane(size_t lane) {
  return kOrder == BlockOrder::kConsecutive
             ? lane
             : lane / 2 + (lane % 2) * (hn::Lanes(BlockTag()) / 2);
}

template <typename F, BlockOrder kOrder>
HWY_INLINE void GenerateWords(StreamKey key, BlockList blocks, size_t count,
                              Words& words) {
  const BlockTag d;
  const auto s0 = hn::Set(d, key.stream & 0xFFFFFFFFu);
  const auto s1 = hn::Set(d, key.stream >> 32);
  HWY_ALIGN uint64_t block_of_lane[HWY_MAX_BYTES / 8];
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    block_of_lane[i] = BlockOfLane<kOrder>(i);
  }
  if (blocks.indices == nullptr &&
      blocks.first >> 32 == (blocks.first + count - 1) >> 32) {
    // With c1, c2 and c3 the same in all blocks, so is a part of the first two
    // rounds, which compilers take out of the loop.
    const auto high = hn::Set(d, blocks.first >> 32);
    const auto lane = hn::Load(d, block_of_lane);
    GenerateBlocks<F>(
        key, count,
        [&](size_t at) HWY_ATTR {
          const auto index = hn::Add(hn::Set(d, blocks.first + at), lane);
          return PhiloxState{index, high, s0, s1};
        },
        words);
    return;
  }
  uint64_t consecutive[kTileBlocks];
  const uint64_t* indices = blocks.indices;
  if (indices == nullptr) {
    for (size_t i = 0; i < count; ++i) consecutive[i] = blocks.first + i;
    indices = consecutive;
  }
  const auto order = hn::SetTableIndices(d, block_of_lane);
  GenerateBlocks<F>(
      key, count,
      [&](size_t at) HWY_ATTR {
        const auto index =
            hn::TableLookupLanes(hn::LoadU(d, indices + at), order);
        return PhiloxState{index, hn::ShiftRight<32>(index), s0, s1};
      },
      words);
}

// Distributes given words, those of one block after the other, to the planes.
template <typename F, BlockOrder kOrder>
HWY_INLINE void ArrangeWords(const typename DrawWord<F>::type* given,
                             size_t count, Words& words) {
  using Word = typename DrawWord<F>::type;
  constexpr size_t kPairs = 8 / sizeof(Word);  // In one block.
  const size_t lanes = hn::Lanes(BlockTag());
  auto* even = reinterpret_cast<Word*>(words.even);
  auto* odd = reinterpret_cast<Word*>(words.odd);
  for (size_t i = 0; i < count; ++i) {
    const size_t block = i - i % lanes + BlockOfLane<kOrder>(i % lanes);
    for (size_t pair = 0; pair < kPairs; ++pair) {
      *even++ = given[2 * (block * kPairs + pair)];
      *odd++ = given[2 * (block * kPairs + pair) + 1];
    }
  }
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif  // per-target include guard
