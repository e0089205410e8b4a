#include "core/fill.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/kernel.h"
#include "core/sampler.h"
#include "core/scalar_kernel.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are written as they lie in memory, which must be little-endian"
#endif

namespace weightinit {
namespace {

// Everything about a tensor but which of its elements.
template <typename F>
struct Tensor {
  const Sampler<F> &sampler;
  StreamKey key;
  Dtype dtype;
  int64_t bytes;  // Of one element.
};

// Room for the elements of one tile.
template <typename F>
struct alignas(64) TileBytes {
  uint8_t data[kTileBlocks * kDrawsPerBlock<F> * sizeof(F)];
};

// Copies elements of the same few sizes, without a call for each.
inline void CopyElement(const uint8_t *from, int64_t bytes, uint8_t *to) {
  if (bytes == 4) {
    std::memcpy(to, from, 4);
  } else if (bytes == 2) {
    std::memcpy(to, from, 2);
  } else {
    std::memcpy(to, from, 8);
  }
}

template <typename F>
void FillConstant(const Tensor<F> &tensor, int64_t count, uint8_t *out) {
  uint8_t element[sizeof(double)];
  EncodeDraw(tensor.dtype, tensor.sampler.mean, element);
  const int64_t total = count * tensor.bytes;
  int64_t done = std::min(total, tensor.bytes);
  std::memcpy(out, element, static_cast<size_t>(done));
  // What is written is copied behind itself, twice as much each time, up to
  // what stays in the first-level cache.
  while (done < total) {
    const int64_t n = std::min({done, total - done, int64_t{4096}});
    std::memcpy(out + done, out, static_cast<size_t>(n));
    done += n;
  }
}

template <typename F>
void FillConsecutive(const Tensor<F> &tensor, int64_t first, int64_t count,
                     uint8_t *out) {
  constexpr int64_t kPerBlock = kDrawsPerBlock<F>;
  TileBytes<F> tile;
  while (count > 0) {
    const int64_t skipped = first % kPerBlock;
    const BlockList blocks{static_cast<uint64_t>(first / kPerBlock), nullptr};
    int64_t n = 0;
    if (skipped == 0 && count >= kGroupBlocks * kPerBlock) {
      // Whole groups go where they belong.
      const int64_t groups = std::min(count / (kGroupBlocks * kPerBlock),
                                      kTileBlocks / kGroupBlocks);
      FillBlocks(tensor.sampler, tensor.key, blocks, groups * kGroupBlocks,
                 tensor.dtype, out);
      n = groups * kGroupBlocks * kPerBlock;
    } else {
      // One group is cut, so that the next one is not.
      n = std::min(count, kGroupBlocks * kPerBlock - skipped);
      FillBlocks(tensor.sampler, tensor.key, blocks, kGroupBlocks, tensor.dtype,
                 tile.data);
      std::memcpy(out, tile.data + skipped * tensor.bytes,
                  static_cast<size_t>(n * tensor.bytes));
    }
    first += n;
    count -= n;
    out += n * tensor.bytes;
  }
}

// One block for each element: correct for every stride, and four times the work
// of consecutive elements.
template <typename F>
void FillSpaced(const Tensor<F> &tensor, const Run &run, uint8_t *out) {
  constexpr int64_t kPerBlock = kDrawsPerBlock<F>;
  TileBytes<F> tile;
  uint64_t indices[kTileBlocks];
  for (int64_t done = 0; done < run.count;) {
    const int64_t n = std::min(run.count - done, kTileBlocks);
    const int64_t first = run.first + done * run.stride;
    for (int64_t i = 0; i < n; ++i) {
      indices[i] = static_cast<uint64_t>((first + i * run.stride) / kPerBlock);
    }
    // The group is filled up with a block that is there anyway.
    std::fill(indices + n, indices + RoundUpToGroup(n), indices[0]);
    FillBlocks(tensor.sampler, tensor.key, {0, indices}, n, tensor.dtype,
               tile.data);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t draw = i * kPerBlock + (first + i * run.stride) % kPerBlock;
      CopyElement(tile.data + draw * tensor.bytes, tensor.bytes,
                  out + (done + i) * tensor.bytes);
    }
    done += n;
  }
}

// Rows of the matrix that are made at a time, and the blocks that hold as many
// consecutive elements wherever they start.
constexpr int64_t kPanelRows = 60;
template <typename F>
constexpr int64_t kColumnBlocks =
    (kPanelRows - 1 + kDrawsPerBlock<F> - 1) / kDrawsPerBlock<F> + 1;

template <typename F>
void FillPanel(const Tensor<F> &tensor, const Run &run, int64_t rows,
               uint8_t *out) {
  constexpr int64_t kPerBlock = kDrawsPerBlock<F>;
  constexpr int64_t kColumns = kTileBlocks / kColumnBlocks<F>;
  TileBytes<F> tile;
  uint64_t indices[kTileBlocks];
  for (int64_t done = 0; done < run.count;) {
    const int64_t columns = std::min(run.count - done, kColumns);
    int64_t blocks = 0;
    // Where in the tile each column starts, in elements.
    int64_t starts[kColumns];
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t first = run.first + (done + c) * run.stride;
      starts[c] = blocks * kPerBlock + first % kPerBlock;
      for (int64_t b = first / kPerBlock; b <= (first + rows - 1) / kPerBlock;
           ++b) {
        indices[blocks++] = static_cast<uint64_t>(b);
      }
    }
    std::fill(indices + blocks, indices + RoundUpToGroup(blocks), indices[0]);
    FillBlocks(tensor.sampler, tensor.key, {0, indices}, blocks, tensor.dtype,
               tile.data);
    for (int64_t r = 0; r < rows; ++r) {
      uint8_t *const row = out + (r * run.count + done) * tensor.bytes;
      for (int64_t c = 0; c < columns; ++c) {
        CopyElement(tile.data + (starts[c] + r) * tensor.bytes, tensor.bytes,
                    row + c * tensor.bytes);
      }
    }
    done += columns;
  }
}

template <typename F>
void FillRun(const Tensor<F> &tensor, const Run &run, uint8_t *out) {
  if (tensor.sampler.kind == Sampler<F>::Kind::kConstant) {
    FillConstant(tensor, run.count, out);
  } else if (run.stride == 1) {
    FillConsecutive(tensor, run.first, run.count, out);
  } else {
    FillSpaced(tensor, run, out);
  }
}

template <typename F>
void FillMatrix(const Tensor<F> &tensor, Run run, int64_t rows, uint8_t *out) {
  if (tensor.sampler.kind == Sampler<F>::Kind::kConstant) {
    FillConstant(tensor, rows * run.count, out);
    return;
  }
  while (rows > 0) {
    const int64_t n = std::min(rows, kPanelRows);
    FillPanel(tensor, run, n, out);
    run.first += n;
    rows -= n;
    out += n * run.count * tensor.bytes;
  }
}

}  // namespace

Filler::Filler(const DistributionParameters &parameters, Dtype dtype,
               StreamKey stream_key)
    : dtype_(dtype), stream_key_(stream_key) {
  if (dtype == Dtype::kFloat64) {
    double_sampler_ = MakeSampler<double>(parameters);
  } else {
    float_sampler_ = MakeSampler<float>(parameters);
  }
}

void Filler::Fill(const Run &run, uint8_t *out) const {
  const int64_t bytes = DtypeBytes(dtype_);
  if (dtype_ == Dtype::kFloat64) {
    FillRun<double>({double_sampler_, stream_key_, dtype_, bytes}, run, out);
  } else {
    FillRun<float>({float_sampler_, stream_key_, dtype_, bytes}, run, out);
  }
}

void Filler::FillTransposed(const Run &run, int64_t rows, uint8_t *out) const {
  const int64_t bytes = DtypeBytes(dtype_);
  if (dtype_ == Dtype::kFloat64) {
    FillMatrix<double>({double_sampler_, stream_key_, dtype_, bytes}, run, rows,
                       out);
  } else {
    FillMatrix<float>({float_sampler_, stream_key_, dtype_, bytes}, run, rows,
                      out);
  }
}

}  // namespace weightinit
