#include "core/tensor/transposed_fill.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/kernels/kernel.h"
#include "core/kernels/transpose.h"
#include "core/tensor/fill.h"
#include "core/tensor/slice_walk.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// A tile has a multiple of these columns, whose rows are whole lines of the
// cache...
constexpr int64_t kColumnStep = 64;
// ...and up to these blocks of each column.
constexpr int64_t kColumnBlocks = 64;
// It stays in the second-level cache.
constexpr int64_t kBlocks = kColumnStep * kColumnBlocks;
static_assert(kBlocks % kTileBlocks == 0);
// Elements of a column in a tile: they need not begin with a block. A multiple
// of a block, so that where one tile's do, those of the next do.
constexpr int64_t kColumnElements = (kColumnBlocks - 4) * kDrawsPerBlock<float>;
// Of a column with few blocks a tile has more, up to these.
constexpr int64_t kMaxColumns = 512;

// Spatial dimensions are all but the last two.
template <typename T>
std::vector<T> SpatialPart(const std::vector<T>& dimensions) {
  return {dimensions.begin(), dimensions.end() - 2};
}

int64_t Size(const ResolvedRange& range) { return range.stop - range.start; }

}  // namespace

// Elements of one column, with rising indices, and where they belong.
class TransposedFill::Strip {
 public:
  // Consecutive indices.
  struct Piece {
    int64_t first;  // Less the column's part.
    int64_t first_row, count;
  };

  explicit Strip(int block_shift)
      : block_shift_(block_shift),
        max_elements_(kColumnElements >> (2 - block_shift)) {}

  // Whether an element more may not fit.
  bool full() const {
    return elements_ == max_elements_ || blocks() == kColumnBlocks;
  }

  // REQUIRES: !full(); `index` is above those of the elements before.
  void Add(int64_t index, int64_t row_offset) {
    if (piece_count_ > 0 && index == last_ + 1) {
      ++pieces_[static_cast<size_t>(piece_count_ - 1)].count;
    } else {
      blocks_before_ = blocks();
      pieces_[static_cast<size_t>(piece_count_++)] = {index, elements_, 1};
    }
    last_ = index;
    row_offsets_[static_cast<size_t>(elements_++)] = row_offset;
  }

  void Clear() { elements_ = piece_count_ = blocks_before_ = 0; }

  int64_t elements() const { return elements_; }
  int64_t piece_count() const { return piece_count_; }
  const Piece& piece(int64_t i) const {
    return pieces_[static_cast<size_t>(i)];
  }
  const int64_t* row_offsets() const { return row_offsets_.data(); }

  // Blocks that the elements of any column lie in, at most.
  int64_t blocks() const {
    if (piece_count_ == 0) return 0;
    const int64_t others_of_block = (int64_t{1} << block_shift_) - 1;
    return blocks_before_ +
           ((piece(piece_count_ - 1).count + 2 * others_of_block) >>
            block_shift_);
  }

 private:
  const int block_shift_;
  const int64_t max_elements_;
  int64_t elements_ = 0;
  int64_t piece_count_ = 0;
  int64_t blocks_before_ = 0;  // Of all pieces but the last.
  int64_t last_ = 0;
  std::array<Piece, kColumnBlocks> pieces_;
  std::array<int64_t, kColumnElements> row_offsets_;
};

// The blocks of a strip in several columns.
struct TransposedFill::Tile {
  std::array<uint64_t, kBlocks> blocks;
  std::array<const uint8_t*, kBlocks> columns;
  alignas(
      64) std::array<uint8_t, kBlocks * kDrawsPerBlock<float> * sizeof(float) +
                                  kTransposeSlack> bytes;
};

bool TransposedFill::Handles(const TensorPlan& plan) {
  if (plan.layout != Layout::kInOut || plan.shape.size() < 2) return false;
  if (plan.tensor_elements == 0) return false;
  for (const ResolvedRange& range : plan.slice) {
    if (Size(range) == 0) return false;
  }
  if (Filler(plan.parameters, plan.dtype, plan.stream_key).constant()) {
    return false;
  }
  const TransposedFill fill(plan);
  return fill.columns_.size > 1 && fill.columns_.stride > 1;
}

TransposedFill::TransposedFill(const TensorPlan& plan)
    : filler_(plan.parameters, plan.dtype, plan.stream_key),
      places_(SpatialPart(plan.shape), SpatialPart(plan.slice),
              Layout::kOutIn) {
  const size_t rank = plan.shape.size();
  int64_t places = 1;
  for (size_t d = 0; d < rank - 2; ++d) {
    places *= plan.shape[d];
    planes_ *= Size(plan.slice[d]);
  }
  const ResolvedRange& second = plan.slice[rank - 2];
  const ResolvedRange& first = plan.slice[rank - 1];
  rows_ = {Size(second), places};
  columns_ = {Size(first), plan.shape[rank - 2] * places};
  origin_ = second.start * rows_.stride + first.start * columns_.stride;
  if (columns_.size == 1) {
    // The rows are as good as columns, and there are more of them.
    columns_ = rows_;
    rows_ = {1, 0};
  }
}

TransposedFill::Box TransposedFill::BoxAt(int64_t position,
                                          int64_t count) const {
  const int64_t column = position % columns();
  const int64_t row = position / columns() % rows();
  const int64_t plane = position / columns() / rows();
  if (column != 0 || count < columns()) {
    return {plane, 1, row, 1, column, std::min(columns() - column, count)};
  }
  const int64_t whole_rows = count / columns();
  if (row != 0 || whole_rows < rows()) {
    return {plane, 1, row, std::min(rows() - row, whole_rows), 0, columns()};
  }
  return {plane, whole_rows / rows(), 0, rows(), 0, columns()};
}

void TransposedFill::Fill(const Box& box, uint8_t* out) const {
  Tile tile;
  Strip strip(filler_.block_shift());
  const int64_t row_bytes = box.columns * element_bytes();
  const int64_t end_plane = box.first_plane + box.planes;
  // In the order of the indices.
  for (int64_t row = 0; row < box.rows; ++row) {
    const int64_t base = (box.first_row + row) * rows_.stride;
    for (int64_t plane = box.first_plane; plane < end_plane;) {
      const Run run = places_.RunAt(plane);
      const int64_t count = std::min(run.count, end_plane - plane);
      for (int64_t i = 0; i < count; ++i, ++plane) {
        strip.Add(base + run.first + i * run.stride,
                  ((plane - box.first_plane) * box.rows + row) * row_bytes);
        if (strip.full()) {
          FillStrip(strip, box, tile, out);
          strip.Clear();
        }
      }
    }
  }
  if (strip.elements() > 0) FillStrip(strip, box, tile, out);
}

void TransposedFill::FillStrip(const Strip& strip, const Box& box, Tile& tile,
                               uint8_t* out) const {
  const int shift = filler_.block_shift();
  const int64_t bytes = element_bytes();
  const int64_t column_blocks = std::max(strip.blocks(), int64_t{1});
  const int64_t tile_columns = std::min(
      kBlocks / column_blocks / kColumnStep * kColumnStep, kMaxColumns);
  for (int64_t done = 0; done < box.columns;) {
    const int64_t columns = std::min(tile_columns, box.columns - done);
    int64_t blocks = 0;
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t base =
          origin_ + (box.first_column + done + c) * columns_.stride;
      for (int64_t p = 0; p < strip.piece_count(); ++p) {
        const int64_t first = base + strip.piece(p).first;
        const auto first_block = static_cast<uint64_t>(first >> shift);
        const auto end_block =
            static_cast<uint64_t>((first + strip.piece(p).count - 1) >> shift) +
            1;
        // A piece often begins in the block that the one before ends in.
        uint64_t block = first_block;
        if (blocks > 0 &&
            tile.blocks[static_cast<size_t>(blocks - 1)] == first_block) {
          ++block;
        }
        const int64_t at =
            ((blocks - static_cast<int64_t>(block - first_block)) << shift) +
            (first & ((int64_t{1} << shift) - 1));
        tile.columns[static_cast<size_t>(p * columns + c)] =
            tile.bytes.data() + at * bytes;
        for (; block != end_block; ++block) {
          tile.blocks[static_cast<size_t>(blocks++)] = block;
        }
      }
    }
    // The last group is filled up with a block that is there anyway.
    std::fill(tile.blocks.begin() + blocks,
              tile.blocks.begin() + RoundUpToGroup(blocks), tile.blocks[0]);
    for (int64_t b = 0; b < blocks; b += kTileBlocks) {
      filler_.Fill({0, tile.blocks.data() + b},
                   std::min(kTileBlocks, blocks - b),
                   tile.bytes.data() + (b << shift) * bytes);
    }
    for (int64_t p = 0; p < strip.piece_count(); ++p) {
      TransposeColumns(bytes, tile.columns.data() + p * columns, columns,
                       strip.row_offsets() + strip.piece(p).first_row,
                       strip.piece(p).count, out + done * bytes);
    }
    done += columns;
  }
}

}  // namespace weightinit
