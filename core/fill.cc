#include "core/fill.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/half.h"
#include "core/philox.h"
#include "core/sampler.h"
#include "core/transforms.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error \
    "weightinit writes values as they lie in memory, so it needs little-endian"
#endif

namespace weightinit {
namespace {

// Work goes through tiles that stay in the first-level cache: one loop turns
// counters into words, one turns words into draws, one stores them.
constexpr int64_t kTileBlocks = 256;

// Draws in a block of four 32-bit words.
template <typename F>
constexpr int64_t kDrawsPerBlock = 16 / static_cast<int64_t>(sizeof(F));

template <typename F>
struct Tile {
  typename DrawWord<F>::type words[kTileBlocks * kDrawsPerBlock<F>];
  F draws[kTileBlocks * kDrawsPerBlock<F>];
};

// The words of block `index`. As 64-bit words the first of two is the low half.
inline void GenerateBlock(StreamKey key, uint64_t index, uint32_t* words) {
  const PhiloxCounter block = Philox4x32(
      {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
       static_cast<uint32_t>(key.stream),
       static_cast<uint32_t>(key.stream >> 32)},
      {static_cast<uint32_t>(key.key), static_cast<uint32_t>(key.key >> 32)});
  std::copy(block.begin(), block.end(), words);
}
inline void GenerateBlock(StreamKey key, uint64_t index, uint64_t* words) {
  uint32_t halves[4];
  GenerateBlock(key, index, halves);
  words[0] = uint64_t{halves[1]} << 32 | halves[0];
  words[1] = uint64_t{halves[3]} << 32 | halves[2];
}

// draws[i] from words[i]; for the normal draws[2i] and draws[2i + 1] from the
// same two words.
template <typename F>
void Transform(const Sampler<F>& sampler, int64_t count, Tile<F>& tile) {
  using Kind = typename Sampler<F>::Kind;
  const auto* const words = tile.words;
  F* const draws = tile.draws;
  switch (sampler.kind) {
    case Kind::kConstant:
      std::fill_n(draws, count, sampler.mean);
      break;
    case Kind::kUniform:
      for (int64_t i = 0; i < count; ++i) {
        draws[i] = DrawUniform(sampler, words[i]);
      }
      break;
    case Kind::kNormal:
      for (int64_t i = 0; i < count; i += 2) {
        const Pair<F> pair = DrawNormals(sampler, words[i], words[i + 1]);
        draws[i] = pair.first;
        draws[i + 1] = pair.second;
      }
      break;
    case Kind::kTruncatedAboutMean:
      for (int64_t i = 0; i < count; ++i) {
        draws[i] = DrawTruncatedAboutMean(sampler, words[i]);
      }
      break;
    case Kind::kTruncatedTail:
      for (int64_t i = 0; i < count; ++i) {
        draws[i] = DrawTruncatedTail(sampler, words[i]);
      }
      break;
  }
}

void Store(Dtype dtype, const float* draws, int64_t count, uint8_t* out) {
  const auto store16 = [&](auto bits_of) {
    for (int64_t i = 0; i < count; ++i) {
      const uint16_t bits = bits_of(draws[i]);
      std::memcpy(out + 2 * i, &bits, sizeof(bits));
    }
  };
  if (dtype == Dtype::kFloat16) {
    store16(Float16Bits);
  } else if (dtype == Dtype::kBfloat16) {
    store16(Bfloat16Bits);
  } else {
    std::memcpy(out, draws, static_cast<size_t>(count) * sizeof(float));
  }
}
void Store(Dtype /*dtype*/, const double* draws, int64_t count, uint8_t* out) {
  std::memcpy(out, draws, static_cast<size_t>(count) * sizeof(double));
}

template <typename F>
void FillConsecutive(const Sampler<F>& sampler, StreamKey key, Dtype dtype,
                     int64_t first, int64_t count, uint8_t* out) {
  constexpr int64_t kPerBlock = kDrawsPerBlock<F>;
  Tile<F> tile;
  while (count > 0) {
    const int64_t skipped = first % kPerBlock;
    const int64_t n = std::min(count, kTileBlocks * kPerBlock - skipped);
    const int64_t blocks = (skipped + n + kPerBlock - 1) / kPerBlock;
    if (sampler.kind != Sampler<F>::Kind::kConstant) {
      const auto block = static_cast<uint64_t>(first / kPerBlock);
      for (int64_t b = 0; b < blocks; ++b) {
        GenerateBlock(key, block + static_cast<uint64_t>(b),
                      tile.words + b * kPerBlock);
      }
    }
    Transform(sampler, blocks * kPerBlock, tile);
    Store(dtype, tile.draws + skipped, n, out);
    out += n * DtypeBytes(dtype);
    first += n;
    count -= n;
  }
}

// One block for each element: correct for every stride, and four times the work
// of consecutive elements.
template <typename F>
void FillSpaced(const Sampler<F>& sampler, StreamKey key, Dtype dtype,
                int64_t first, int64_t stride, int64_t count, uint8_t* out) {
  constexpr int64_t kPerBlock = kDrawsPerBlock<F>;
  Tile<F> tile;
  while (count > 0) {
    const int64_t n = std::min(count, kTileBlocks);
    for (int64_t i = 0; i < n; ++i) {
      GenerateBlock(key,
                    static_cast<uint64_t>((first + i * stride) / kPerBlock),
                    tile.words + i * kPerBlock);
    }
    Transform(sampler, n * kPerBlock, tile);
    for (int64_t i = 0; i < n; ++i) {
      tile.draws[i] =
          tile.draws[i * kPerBlock + (first + i * stride) % kPerBlock];
    }
    Store(dtype, tile.draws, n, out);
    out += n * DtypeBytes(dtype);
    first += n * stride;
    count -= n;
  }
}

template <typename F>
void FillAny(const Sampler<F>& sampler, StreamKey key, Dtype dtype,
             int64_t first, int64_t stride, int64_t count, uint8_t* out) {
  if (stride == 1) {
    FillConsecutive(sampler, key, dtype, first, count, out);
  } else {
    FillSpaced(sampler, key, dtype, first, stride, count, out);
  }
}

}  // namespace

Filler::Filler(const DistributionParameters& parameters, Dtype dtype,
               StreamKey stream_key)
    : dtype_(dtype), stream_key_(stream_key) {
  if (dtype == Dtype::kFloat64) {
    double_sampler_ = MakeSampler<double>(parameters);
  } else {
    float_sampler_ = MakeSampler<float>(parameters);
  }
}

void Filler::Fill(int64_t first, int64_t stride, int64_t count,
                  uint8_t* out) const {
  if (dtype_ == Dtype::kFloat64) {
    FillAny(double_sampler_, stream_key_, dtype_, first, stride, count, out);
  } else {
    FillAny(float_sampler_, stream_key_, dtype_, first, stride, count, out);
  }
}

}  // namespace weightinit
