// The values of elements of a tensor by their indices.

#ifndef WEIGHTINIT_CORE_TENSOR_FILL_H_
#define WEIGHTINIT_CORE_TENSOR_FILL_H_

#include <array>
#include <cstdint>

#include "core/kernels/kernel.h"
#include "core/random/sampler.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

// Evenly spaced logical indices: first, first + stride, ...
struct Run {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t count = 0;
};

// Computes elements of one tensor as bytes of its dtype. Element i is a
// function of (stream key, distribution, dtype, i) alone. Immutable after
// construction: any thread may use it.
class Filler {
 public:
  Filler(const DistributionParameters& parameters, Dtype dtype,
         StreamKey stream_key);

  int64_t element_bytes() const { return element_bytes_; }
  bool constant() const;

  // A block holds 2^block_shift() elements.
  int block_shift() const { return block_shift_; }

  // Writes the elements of `count` blocks, packed and little-endian: see
  // FillBlocks in kernel.h, whose requirements hold. REQUIRES: !constant().
  void Fill(BlockList blocks, int64_t count, uint8_t* out) const;

  // Writes `count` elements of a constant tensor. REQUIRES: constant().
  void FillConstant(int64_t count, uint8_t* out) const;

 private:
  Dtype dtype_;
  int64_t element_bytes_;
  int block_shift_;
  StreamKey stream_key_;
  Sampler<float> float_sampler_;    // For all dtypes but kFloat64.
  Sampler<double> double_sampler_;  // For kFloat64.
};

// Collects pieces of a tensor, however short and wherever they are, and
// computes them together, because the kernels need many blocks at a time. What
// was added is written when Finish returns, at the latest. Not thread-safe.
class PieceFiller {
 public:
  // `filler` has to outlive this.
  explicit PieceFiller(const Filler& filler) : filler_(filler) {}

  // The elements of `run` to `out`, packed.
  void Add(const Run& run, uint8_t* out);

  void Finish();

 private:
  // Consecutive elements of the tile.
  struct Piece {
    int32_t start;  // In elements of the tile.
    int32_t count;
    uint8_t* out;
  };

  // Adds `count` consecutive elements from `first` on. REQUIRES: they lie in at
  // most kTileBlocks blocks.
  void AddPiece(int64_t first, int64_t count, uint8_t* out);
  void AddConsecutive(int64_t first, int64_t count, uint8_t* out);

  // Copies elements of kBytes from the tile to where its pieces want them.
  template <int64_t kBytes>
  void Distribute(const uint8_t* tile) const;

  const Filler& filler_;
  // The blocks of the tile, with room to fill up the last group.
  std::array<uint64_t, kTileBlocks> blocks_;
  int64_t block_count_ = 0;
  std::array<Piece, kTileBlocks> pieces_;
  int64_t piece_count_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_FILL_H_
