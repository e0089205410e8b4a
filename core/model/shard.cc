#include <algorithm>
#include <cstdint>

#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {

DimensionRange ShareOf(const Shard& shard, int64_t size) {
  const int64_t share = size / shard.count + (size % shard.count != 0 ? 1 : 0);
  DimensionRange range;
  // An index beyond the last element starts at the end; no product overflows.
  range.start =
      share != 0 && shard.index > size / share ? size : shard.index * share;
  range.start = std::min(range.start, size);
  range.stop = range.start + std::min(share, size - range.start);
  return range;
}

}  // namespace weightinit
