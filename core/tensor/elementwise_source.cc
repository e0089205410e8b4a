#include "core/tensor/elementwise_source.h"

#include <algorithm>
#include <cstdint>

#include "core/tensor/fill.h"

namespace weightinit {

void ElementwiseSource::Read(int64_t position, int64_t count, uint8_t* out) {
  PieceFiller pieces(filler_);
  while (count > 0) {
    Run run = walk_.RunAt(position);
    const int64_t n = run.count = std::min(count, run.count);
    pieces.Add(run, out);
    position += n;
    count -= n;
    out += n * filler_.element_bytes();
  }
  pieces.Finish();
}

}  // namespace weightinit
