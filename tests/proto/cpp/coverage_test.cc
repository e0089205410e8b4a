#include "proto/cpp/coverage.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"

namespace weightinit {
namespace {

TEST(CoverageTest, NothingHasTheChecksumOfNothing) {
  const Coverage coverage;
  EXPECT_EQ(coverage.bytes(), 0);
  EXPECT_EQ(coverage.crc32(), 0U);
}

TEST(CoverageTest, ThePiecesChecksumIsThatOfTheWhole) {
  std::mt19937 random(1);
  std::vector<uint8_t> data(10'000);
  std::generate(data.begin(), data.end(),
                [&] { return static_cast<uint8_t>(random()); });
  for (int round = 0; round < 20; ++round) {
    std::vector<size_t> borders = {0, data.size()};
    for (int i = 0; i < 30; ++i) borders.push_back(random() % data.size());
    std::sort(borders.begin(), borders.end());
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
    std::vector<size_t> order(borders.size() - 1);
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), random);
    Coverage coverage;
    for (const size_t i : order) {
      const auto piece = absl::MakeConstSpan(data).subspan(
          borders[i], borders[i + 1] - borders[i]);
      coverage.Add(static_cast<int64_t>(borders[i]),
                   static_cast<int64_t>(piece.size()), ExtendCrc32(0, piece));
    }
    EXPECT_EQ(coverage.bytes(), static_cast<int64_t>(data.size()));
    EXPECT_EQ(coverage.crc32(), ExtendCrc32(0, data));
  }
}

TEST(CoverageTest, KnowsWhichBytesWereAdded) {
  Coverage coverage;
  coverage.Add(10, 5, 0);
  coverage.Add(20, 5, 0);
  coverage.Add(25, 5, 0);
  ASSERT_EQ(coverage.runs().size(), 2U);
  EXPECT_EQ(coverage.runs().at(10).bytes, 5);
  EXPECT_EQ(coverage.runs().at(20).bytes, 10);
  for (int begin = 0; begin < 35; ++begin) {
    for (int end = begin + 1; end < 36; ++end) {
      const bool overlaps =
          (begin < 15 && end > 10) || (begin < 30 && end > 20);
      EXPECT_EQ(coverage.Overlaps(begin, end - begin), overlaps)
          << begin << " to " << end;
    }
  }
}

}  // namespace
}  // namespace weightinit
