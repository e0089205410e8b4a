#include "core/kernels/transpose.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "weightinit/core/simd_target.h"

namespace weightinit {
namespace {

// Columns of bytes that are all different for a while become rows that lie
// apart; what is between the rows stays.
void ExpectTransposed(size_t bytes, size_t columns, size_t rows) {
  std::vector<std::vector<uint8_t>> from(columns);
  std::vector<const uint8_t*> pointers;
  uint8_t next = 1;
  for (auto& column : from) {
    column.resize(rows * bytes + kTransposeSlack);
    std::iota(column.begin(), column.end(), next);
    next = static_cast<uint8_t>(next + rows * bytes);
    pointers.push_back(column.data());
  }
  const size_t pitch = columns * bytes + 3;
  std::vector<uint8_t> out(rows * pitch, 0xEE);
  std::vector<uint8_t> expected = out;
  std::vector<int64_t> offsets;
  for (size_t r = 0; r < rows; ++r) {
    // The last row first.
    const size_t offset = (rows - 1 - r) * pitch;
    offsets.push_back(static_cast<int64_t>(offset));
    for (size_t c = 0; c < columns; ++c) {
      std::memcpy(&expected[offset + c * bytes], &from[c][r * bytes], bytes);
    }
  }
  TransposeColumns(static_cast<int64_t>(bytes), pointers.data(),
                   static_cast<int64_t>(columns), offsets.data(),
                   static_cast<int64_t>(rows), out.data());
  ASSERT_EQ(out, expected) << columns << " columns, " << rows << " rows of "
                           << bytes;
}

TEST(TransposeTest, EverySizeOnEveryTargetWritesItsElementsAndNothingElse) {
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (!target.supported) continue;
    ASSERT_TRUE(ForceSimdTarget(target.name).ok());
    for (const size_t bytes : {2u, 4u, 8u}) {
      for (size_t columns = 1; columns <= 19; ++columns) {
        for (size_t rows = 1; rows <= 19; ++rows) {
          ExpectTransposed(bytes, columns, rows);
        }
      }
      ExpectTransposed(bytes, 70, 240);
    }
  }
  ASSERT_TRUE(ForceSimdTarget("").ok());
}

}  // namespace
}  // namespace weightinit
