// The kernel without vectors: for machines that Highway has no target for, and
// as the plainest reading of core/DETERMINISM.md in C++.

#ifndef WEIGHTINIT_CORE_KERNELS_SCALAR_KERNEL_H_
#define WEIGHTINIT_CORE_KERNELS_SCALAR_KERNEL_H_

#include <cstdint>
#include <cstring>

#include "core/kernels/kernel.h"
#include "core/random/half.h"
#include "core/random/philox.h"
#include "core/random/sampler.h"
#include "core/random/transforms.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// The words of the elements of one block, in order.
inline void BlockWords(const PhiloxCounter& block, uint32_t (&words)[4]) {
  for (int i = 0; i < 4; ++i) words[i] = block[static_cast<size_t>(i)];
}
inline void BlockWords(const PhiloxCounter& block, uint64_t (&words)[2]) {
  words[0] = uint64_t{block[1]} << 32 | block[0];
  words[1] = uint64_t{block[3]} << 32 | block[2];
}

// The draws of the elements that own `even` and `odd`, neighbours in a block.
template <typename F>
Pair<F> DrawPair(const Sampler<F>& s, typename DrawWord<F>::type even,
                 typename DrawWord<F>::type odd) {
  switch (s.kind) {
    case Sampler<F>::Kind::kConstant:
      break;
    case Sampler<F>::Kind::kUniform:
      return {DrawUniform(s, even), DrawUniform(s, odd)};
    case Sampler<F>::Kind::kNormal:
      return DrawNormals(s, even, odd);
    case Sampler<F>::Kind::kTruncatedAboutMean:
      return {DrawTruncatedAboutMean(s, even), DrawTruncatedAboutMean(s, odd)};
    case Sampler<F>::Kind::kTruncatedTail:
      return {DrawTruncatedTail(s, even), DrawTruncatedTail(s, odd)};
  }
  return {s.mean, s.mean};
}

template <typename F>
void EncodeDraw(Dtype dtype, F draw, uint8_t* out) {
  if (dtype == Dtype::kFloat16 || dtype == Dtype::kBfloat16) {
    const auto value = static_cast<float>(draw);
    const uint16_t bits =
        dtype == Dtype::kFloat16 ? Float16Bits(value) : Bfloat16Bits(value);
    std::memcpy(out, &bits, sizeof(bits));
  } else {
    std::memcpy(out, &draw, sizeof(draw));
  }
}

// The elements of one block from its words, in order. Returns where they end.
template <typename F>
uint8_t* EncodeBlock(const Sampler<F>& sampler,
                     const typename DrawWord<F>::type* words, Dtype dtype,
                     uint8_t* out) {
  const int64_t bytes = DtypeBytes(dtype);
  for (int64_t i = 0; i < kDrawsPerBlock<F>; i += 2) {
    const Pair<F> pair = DrawPair(sampler, words[i], words[i + 1]);
    EncodeDraw(dtype, pair.first, out);
    EncodeDraw(dtype, pair.second, out + bytes);
    out += 2 * bytes;
  }
  return out;
}

// FillBlocks of kernel.h.
template <typename F>
void FillBlocksScalar(const Sampler<F>& sampler, StreamKey key,
                      BlockList blocks, int64_t count, Dtype dtype,
                      uint8_t* out) {
  const PhiloxKey philox_key = {static_cast<uint32_t>(key.key),
                                static_cast<uint32_t>(key.key >> 32)};
  for (int64_t b = 0; b < count; ++b) {
    const uint64_t index = blocks.indices != nullptr
                               ? blocks.indices[b]
                               : blocks.first + static_cast<uint64_t>(b);
    typename DrawWord<F>::type words[kDrawsPerBlock<F>];
    BlockWords(Philox4x32({static_cast<uint32_t>(index),
                           static_cast<uint32_t>(index >> 32),
                           static_cast<uint32_t>(key.stream),
                           static_cast<uint32_t>(key.stream >> 32)},
                          philox_key),
               words);
    out = EncodeBlock(sampler, words, dtype, out);
  }
}

// DrawFromWords of kernel.h.
template <typename F>
void DrawFromWordsScalar(const Sampler<F>& sampler,
                         const typename DrawWord<F>::type* words, int64_t count,
                         Dtype dtype, uint8_t* out) {
  for (int64_t b = 0; b < count; ++b) {
    out = EncodeBlock(sampler, words + b * kDrawsPerBlock<F>, dtype, out);
  }
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_KERNELS_SCALAR_KERNEL_H_
