#include "core/tensor/fill.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/kernel.h"
#include "core/kernels/scalar_kernel.h"
#include "core/random/sampler.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are written as they lie in memory, which must be little-endian"
#endif

namespace weightinit {
namespace {

static_assert(kTileBlocks % kGroupBlocks == 0,
              "the blocks of a tile fill whole groups");
static_assert(kDrawsPerBlock<float> == 1 << 2 &&
              kDrawsPerBlock<double> == 1 << 1);

// From here on whole groups of blocks are computed where they belong; fewer are
// collected.
constexpr int64_t kDirectBlocks = kTileBlocks / 2;

}  // namespace

Filler::Filler(const DistributionParameters& parameters, Dtype dtype,
               StreamKey stream_key)
    : dtype_(dtype),
      element_bytes_(DtypeBytes(dtype)),
      block_shift_(dtype == Dtype::kFloat64 ? 1 : 2),
      stream_key_(stream_key) {
  if (dtype == Dtype::kFloat64) {
    double_sampler_ = MakeSampler<double>(parameters);
  } else {
    float_sampler_ = MakeSampler<float>(parameters);
  }
}

bool Filler::constant() const {
  return dtype_ == Dtype::kFloat64
             ? double_sampler_.kind == Sampler<double>::Kind::kConstant
             : float_sampler_.kind == Sampler<float>::Kind::kConstant;
}

void Filler::Fill(BlockList blocks, int64_t count, uint8_t* out) const {
  if (dtype_ == Dtype::kFloat64) {
    FillBlocks(double_sampler_, stream_key_, blocks, count, dtype_, out);
  } else {
    FillBlocks(float_sampler_, stream_key_, blocks, count, dtype_, out);
  }
}

void Filler::FillConstant(int64_t count, uint8_t* out) const {
  const int64_t total = count * element_bytes_;
  if (total == 0) return;
  if (dtype_ == Dtype::kFloat64) {
    EncodeDraw(dtype_, double_sampler_.mean, out);
  } else {
    EncodeDraw(dtype_, float_sampler_.mean, out);
  }
  // What is written is copied behind itself, twice as much each time, up to
  // what stays in the first-level cache.
  for (int64_t done = element_bytes_; done < total;) {
    const int64_t n = std::min({done, total - done, int64_t{4096}});
    std::memcpy(out + done, out, static_cast<size_t>(n));
    done += n;
  }
}

void PieceFiller::Add(const Run& run, uint8_t* out) {
  const int64_t bytes = filler_.element_bytes();
  if (filler_.constant()) {
    filler_.FillConstant(run.count, out);
  } else if (run.stride == 1) {
    AddConsecutive(run.first, run.count, out);
  } else {
    for (int64_t i = 0; i < run.count; ++i) {
      AddPiece(run.first + i * run.stride, 1, out + i * bytes);
    }
  }
}

void PieceFiller::AddConsecutive(int64_t first, int64_t count, uint8_t* out) {
  const int64_t bytes = filler_.element_bytes();
  const int shift = filler_.block_shift();
  const int64_t per_block = int64_t{1} << shift;
  const auto collect = [&](int64_t n) {
    AddPiece(first, n, out);
    first += n;
    count -= n;
    out += n * bytes;
  };
  if (count >= (kDirectBlocks + 1) * per_block) {
    const int64_t in_block = first & (per_block - 1);
    if (in_block != 0) collect(per_block - in_block);
    while (count >= kDirectBlocks * per_block) {
      const int64_t blocks =
          std::min((count >> shift) / kGroupBlocks * kGroupBlocks, kTileBlocks);
      filler_.Fill({static_cast<uint64_t>(first >> shift), nullptr}, blocks,
                   out);
      first += blocks * per_block;
      count -= blocks * per_block;
      out += blocks * per_block * bytes;
    }
  }
  if (count > 0) collect(count);
}

void PieceFiller::AddPiece(int64_t first, int64_t count, uint8_t* out) {
  const int shift = filler_.block_shift();
  const int64_t in_block = first & ((int64_t{1} << shift) - 1);
  const auto first_block = static_cast<uint64_t>(first >> shift);
  const auto last_block = static_cast<uint64_t>((first + count - 1) >> shift);
  const auto blocks = static_cast<int64_t>(last_block - first_block) + 1;
  if (block_count_ + blocks > kTileBlocks || piece_count_ == kTileBlocks) {
    Finish();
  }
  pieces_[static_cast<size_t>(piece_count_++)] = {
      static_cast<int32_t>((block_count_ << shift) + in_block),
      static_cast<int32_t>(count), out};
  for (uint64_t b = first_block; b <= last_block; ++b) {
    blocks_[static_cast<size_t>(block_count_++)] = b;
  }
}

void PieceFiller::Finish() {
  if (piece_count_ == 0) return;
  // The last group is filled up with a block that is there anyway.
  std::fill(blocks_.begin() + block_count_,
            blocks_.begin() + RoundUpToGroup(block_count_), blocks_[0]);
  alignas(64) uint8_t tile[kTileBlocks * kDrawsPerBlock<float> * sizeof(float)];
  static_assert(kDrawsPerBlock<double> * sizeof(double) ==
                kDrawsPerBlock<float> * sizeof(float));
  filler_.Fill({0, blocks_.data()}, block_count_, tile);
  if (filler_.element_bytes() == 4) {
    Distribute<4>(tile);
  } else if (filler_.element_bytes() == 2) {
    Distribute<2>(tile);
  } else {
    Distribute<8>(tile);
  }
  block_count_ = 0;
  piece_count_ = 0;
}

template <int64_t kBytes>
void PieceFiller::Distribute(const uint8_t* tile) const {
  for (int64_t i = 0; i < piece_count_; ++i) {
    const Piece& piece = pieces_[static_cast<size_t>(i)];
    const uint8_t* const from = tile + piece.start * kBytes;
    if (piece.count == 1) {  // Many are; the compiler knows their size.
      std::memcpy(piece.out, from, kBytes);
    } else {
      std::memcpy(piece.out, from, static_cast<size_t>(piece.count * kBytes));
    }
  }
}

}  // namespace weightinit
