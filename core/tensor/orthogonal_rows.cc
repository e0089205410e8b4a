#include "core/tensor/orthogonal_rows.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/kernels/reflect.h"
#include "core/tensor/reflections.h"
#include "weightinit/core/plan.h"

namespace weightinit {
namespace {

// Vectors that are made at once and serve every tile: a part of the
// second-level cache, or one group if that has more.
constexpr int64_t kPanelBytes = 1 << 20;
// Of one call of Work.
constexpr double kOperationsAtOnce = 64e6;

constexpr auto kDoubleBytes = static_cast<int64_t>(sizeof(double));

int64_t Tiles(int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }

}  // namespace

OrthogonalRows::OrthogonalRows(StreamKey key, int64_t rows, int64_t width,
                               double gain)
    : rows_(rows), gain_(gain), reflections_(key, rows, width) {}

int64_t OrthogonalRows::BytesFor(int64_t rows, int64_t width) {
  const int64_t group = kGroupReflections * width * kDoubleBytes;
  // The draws of a group are float.
  return Tiles(rows) * kTileRows * width * kDoubleBytes +
         std::max(kPanelBytes, group) + group / 2;
}

void OrthogonalRows::Want(int64_t first, int64_t last) {
  const bool keeps = first >= begin_ && first < ready_;
  // Tiles that are being made are given up, and so are rows that do not lead on
  // to those that are wanted.
  const int64_t done = keeps ? Tiles(ready_ - begin_) : 0;
  while (static_cast<int64_t>(tiles_.size()) > done) {
    spare_.push_back(std::move(tiles_.back()));
    tiles_.pop_back();
  }
  if (!keeps) begin_ = ready_ = first;
  while (first - begin_ >= kTileRows) {
    spare_.push_back(std::move(tiles_.front()));
    tiles_.pop_front();
    begin_ += kTileRows;
  }
  wanted_ = ready_;
  panel_.clear();
  next_group_ = -1;
  if (last <= ready_) return;
  next_tile_ = tiles_.size();
  wanted_ = std::min(last, rows_);
  while (begin_ + static_cast<int64_t>(tiles_.size()) * kTileRows < wanted_) {
    AddTile();
  }
  // Whole tiles are made.
  wanted_ =
      std::min(rows_, begin_ + static_cast<int64_t>(tiles_.size()) * kTileRows);
  next_group_ = Reflections::GroupOf(wanted_ - 1);
}

void OrthogonalRows::AddTile() {
  const int64_t first =
      begin_ + static_cast<int64_t>(tiles_.size()) * kTileRows;
  if (spare_.empty()) {
    tiles_.emplace_back();
  } else {
    tiles_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  Tile& tile = tiles_.back();
  tile.elements.assign(static_cast<size_t>(kTileRows * width()), 0.0);
  // Beyond the last row of the matrix there is nothing to reflect.
  for (int64_t r = 0; r < kTileRows && first + r < rows_; ++r) {
    tile.elements[static_cast<size_t>((first + r) * kTileRows + r)] = 1.0;
  }
}

void OrthogonalRows::MakePanel() {
  panel_.clear();
  const int64_t size = kPanelBytes / kDoubleBytes;
  vectors_.resize(
      static_cast<size_t>(std::max(size, reflections_.VectorSize(0))));
  int64_t used = 0;
  do {
    std::array<double, kGroupReflections> signs = {};
    panel_.push_back(
        reflections_.Make(next_group_, vectors_.data() + used, signs));
    used += reflections_.VectorSize(next_group_);
    for (int64_t i = 0; i < kGroupReflections; ++i) {
      const int64_t row = panel_.back().first + i;
      if (row < ready_ || row >= wanted_) continue;
      const auto at = static_cast<size_t>(row - begin_);
      tiles_[at / kTileRows].factors[at % kTileRows] =
          signs[static_cast<size_t>(i)] * gain_;
    }
    --next_group_;
  } while (next_group_ >= 0 &&
           used + reflections_.VectorSize(next_group_) <= size);
  next_tile_ = static_cast<size_t>(Tiles(ready_ - begin_));
}

bool OrthogonalRows::Work() {
  for (double done = 0; ready_ < wanted_ && done < kOperationsAtOnce;) {
    if (panel_.empty()) MakePanel();
    // Reflections of the rows behind those of a tile leave it as it is.
    const int64_t end =
        begin_ + static_cast<int64_t>(next_tile_ + 1) * kTileRows;
    const auto group = std::find_if(panel_.begin(), panel_.end(),
                                    [&](const ReflectionGroup& candidate) {
                                      return candidate.first < end;
                                    });
    if (group != panel_.end()) {
      const int64_t groups = panel_.end() - group;
      ReflectTile(&*group, groups, width(), tiles_[next_tile_].elements.data());
      done += 4.0 *
              static_cast<double>(groups * kGroupReflections * kTileRows) *
              static_cast<double>(width());
    }
    if (++next_tile_ < tiles_.size()) continue;
    panel_.clear();
    if (next_group_ < 0) ready_ = wanted_;
  }
  return ready_ >= wanted_;
}

void OrthogonalRows::Read(int64_t row, int64_t column, int64_t step,
                          int64_t count, double* out) const {
  const auto at = static_cast<size_t>(row - begin_);
  const Tile& tile = tiles_[at / kTileRows];
  const double factor = tile.factors[at % kTileRows];
  const double* element = tile.elements.data() + column * kTileRows +
                          static_cast<int64_t>(at % kTileRows);
  for (int64_t i = 0; i < count; ++i, element += step * kTileRows) {
    out[i] = *element * factor;
  }
}

}  // namespace weightinit
