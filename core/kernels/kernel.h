// The kernels: the same values, computed by different instruction sets.

#ifndef WEIGHTINIT_CORE_KERNELS_KERNEL_H_
#define WEIGHTINIT_CORE_KERNELS_KERNEL_H_

#include <cstdint>
#include <string>

#include "core/random/sampler.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// A kernel computes this many blocks at a time, or a divisor of it.
inline constexpr int64_t kGroupBlocks = 32;
// Blocks of one call at most, so that its words stay in the first-level cache.
inline constexpr int64_t kTileBlocks = 256;

// `blocks` rounded up to whole groups.
constexpr int64_t RoundUpToGroup(int64_t blocks) {
  return (blocks + kGroupBlocks - 1) / kGroupBlocks * kGroupBlocks;
}

// Elements in a block of four 32-bit words.
template <typename F>
inline constexpr int64_t kDrawsPerBlock = 16 / static_cast<int64_t>(sizeof(F));

// Which blocks of a stream: `indices`, or where that is null the consecutive
// ones from `first` on.
struct BlockList {
  uint64_t first = 0;
  const uint64_t* indices = nullptr;
};

// Writes the elements of `count` blocks, packed as bytes of `dtype`, by the
// kernel in force. Writes those of whole groups: `out` has room for `count`
// rounded up to kGroupBlocks, and so has `blocks.indices`. REQUIRES: 0 <= count
// <= kTileBlocks; the sampler is not constant.
void FillBlocks(const Sampler<float>& sampler, StreamKey key, BlockList blocks,
                int64_t count, Dtype dtype, uint8_t* out);
void FillBlocks(const Sampler<double>& sampler, StreamKey key, BlockList blocks,
                int64_t count, Dtype dtype, uint8_t* out);

// The same from given words, those of one block after the other, in place of
// the blocks of a stream: it reaches words that no stream is known to hold.
// REQUIRES: count is a multiple of kGroupBlocks, up to kTileBlocks.
void DrawFromWords(const Sampler<float>& sampler, const uint32_t* words,
                   int64_t count, Dtype dtype, uint8_t* out);
void DrawFromWords(const Sampler<double>& sampler, const uint64_t* words,
                   int64_t count, Dtype dtype, uint8_t* out);

// The targets compiled in, and the one of the code that FillBlocks now runs, as
// bits of Highway; and the name of one.
int64_t KernelTargets();
int64_t KernelTargetInUse();
std::string KernelTargetName(int64_t target);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_KERNELS_KERNEL_H_
