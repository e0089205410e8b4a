#include "proto/cpp/crc32.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

absl::Span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Crc32Test, GivesTheCheckValueOfTheCatalogue) {
  EXPECT_EQ(ExtendCrc32(0, Bytes("123456789")), 0xCBF43926u);
}

TEST(Crc32Test, ExtendsOverEveryCut) {
  const std::string text = "the same bytes on every machine";
  const uint32_t whole = ExtendCrc32(0, Bytes(text));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view a = std::string_view(text).substr(0, cut);
    const std::string_view b = std::string_view(text).substr(cut);
    EXPECT_EQ(ExtendCrc32(ExtendCrc32(0, Bytes(a)), Bytes(b)), whole);
    EXPECT_EQ(ConcatCrc32(ExtendCrc32(0, Bytes(a)), ExtendCrc32(0, Bytes(b)),
                          static_cast<int64_t>(b.size())),
              whole);
  }
}

// Bit by bit, as the polynomial is defined.
uint32_t SlowCrc32(absl::Span<const uint8_t> data) {
  uint32_t crc = ~0u;
  for (const uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    }
  }
  return ~crc;
}

TEST(Crc32Test, EqualsTheDefinitionForEveryLengthAndAlignment) {
  std::vector<uint8_t> data(1200);
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<uint8_t>(i * 167 + i / 256);
  }
  for (size_t offset = 0; offset < 64; ++offset) {
    for (size_t size = 0; size <= data.size() - offset; size += 1 + size / 50) {
      const auto part = absl::MakeConstSpan(data).subspan(offset, size);
      ASSERT_EQ(ExtendCrc32(0, part), SlowCrc32(part)) << offset << " " << size;
    }
  }
}

TEST(Crc32Test, ConcatenatesLongParts) {
  const std::vector<uint8_t> part(300001, 0xA5);
  const uint32_t crc = ExtendCrc32(0, part);
  EXPECT_EQ(ConcatCrc32(crc, crc, static_cast<int64_t>(part.size())),
            ExtendCrc32(crc, part));
}

}  // namespace
}  // namespace weightinit
