#include "proto/cpp/coverage.h"

#include <cstdint>
#include <iterator>

#include "proto/cpp/crc32.h"

namespace weightinit {

void Coverage::Add(int64_t offset, int64_t bytes, uint32_t crc32) {
  bytes_ += bytes;
  const auto after = runs_.lower_bound(offset);
  auto run = after;
  if (after != runs_.begin() &&
      std::prev(after)->first + std::prev(after)->second.bytes == offset) {
    run = std::prev(after);
    run->second.crc32 = ConcatCrc32(run->second.crc32, crc32, bytes);
    run->second.bytes += bytes;
  } else {
    run = runs_.emplace_hint(after, offset, Run{bytes, crc32});
  }
  if (after != runs_.end() && after->first == offset + bytes) {
    const Run& next = after->second;
    run->second.crc32 = ConcatCrc32(run->second.crc32, next.crc32, next.bytes);
    run->second.bytes += next.bytes;
    runs_.erase(after);
  }
}

bool Coverage::Overlaps(int64_t offset, int64_t bytes) const {
  const auto after = runs_.lower_bound(offset);
  if (after != runs_.end() && after->first < offset + bytes) return true;
  if (after == runs_.begin()) return false;
  const auto before = std::prev(after);
  return before->first + before->second.bytes > offset;
}

}  // namespace weightinit
