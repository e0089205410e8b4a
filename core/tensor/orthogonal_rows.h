// Rows of a random orthogonal matrix.

#ifndef WEIGHTINIT_CORE_TENSOR_ORTHOGONAL_ROWS_H_
#define WEIGHTINIT_CORE_TENSOR_ORTHOGONAL_ROWS_H_

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/kernels/reflect.h"
#include "core/tensor/reflections.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// The first `rows` rows of a matrix of Haar's distribution with `width` columns
// (Stewart 1980): row i is d[i] e[i] H[i] ... H[1] H[0], where H are the
// Reflections and e the unit vectors. A row needs no other row, so that any
// range of them can be made alone; row i costs 4 operations for each element of
// the vectors of H[0] to H[i]. Not thread-safe.
class OrthogonalRows {
 public:
  // Each element is multiplied by `gain`. REQUIRES: 1 <= rows <= width.
  OrthogonalRows(StreamKey key, int64_t rows, int64_t width, double gain);

  int64_t rows() const { return rows_; }
  int64_t width() const { return reflections_.width(); }

  // Memory for `rows` rows that are made together.
  static int64_t BytesFor(int64_t rows, int64_t width);

  // Whether rows [first, last) are there to be read.
  bool Has(int64_t first, int64_t last) const {
    return first >= begin_ && last <= ready_;
  }

  // Asks for rows [first, last), which Work makes, those that are there already
  // excepted. Rows before `first` are dropped. REQUIRES: 0 <= first < last <=
  // rows().
  void Want(int64_t first, int64_t last);

  // Whether rows [first, last) are there or being made.
  bool Wants(int64_t first, int64_t last) const {
    return first >= begin_ && last <= wanted_;
  }

  // Goes on with the rows that are wanted, for some milliseconds. Returns
  // whether all of them are there.
  bool Work();

  // Writes `count` elements of a row, `step` apart, the first of which is that
  // of `column`. REQUIRES: Has(row, row + 1).
  void Read(int64_t row, int64_t column, int64_t step, int64_t count,
            double* out) const;

 private:
  // kTileRows rows, of which the first is begin_ plus a multiple of it.
  struct Tile {
    std::vector<double> elements;  // As ReflectTile has them.
    std::array<double, kTileRows> factors = {};
  };

  void MakePanel();
  void AddTile();

  const int64_t rows_;
  const double gain_;
  Reflections reflections_;
  int64_t begin_ = 0;   // The first row of the first tile.
  int64_t ready_ = 0;   // Rows from it on are being made.
  int64_t wanted_ = 0;  // Up to here.
  std::deque<Tile> tiles_;
  std::deque<Tile> spare_;
  // The groups of reflections that the tiles being made are reflected by next.
  std::vector<ReflectionGroup> panel_;
  std::vector<double> vectors_;  // Of the panel.
  int64_t next_group_ = -1;      // That follows the panel; they go down.
  size_t next_tile_ = 0;         // That follows, with this panel.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_ORTHOGONAL_ROWS_H_
