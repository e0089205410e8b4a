#include "core/tensor/elementwise_source.h"

#include <algorithm>
#include <cstdint>

#include "core/tensor/fill.h"

namespace weightinit {

void ElementwiseSource::Read(int64_t position, int64_t count, uint8_t* out) {
  PieceFiller pieces(filler_);
  while (count > 0) {
    Run run = walk_.RunAt(position);
    const int64_t rows =
        std::min(walk_.AdjacentRows(position), count / run.count);
    int64_t n = 0;
    if (rows >= 2) {
      pieces.AddTransposed(run, rows, out);
      n = rows * run.count;
    } else {
      n = run.count = std::min(count, run.count);
      pieces.Add(run, out);
    }
    position += n;
    count -= n;
    out += n * filler_.element_bytes();
  }
  pieces.Finish();
}

}  // namespace weightinit
