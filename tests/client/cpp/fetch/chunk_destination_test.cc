#include "client/cpp/fetch/chunk_destination.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "tests/client/cpp/client_fixture.h"

namespace weightinit {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

using Bytes = std::vector<uint8_t>;
using Pieces = std::vector<absl::Span<const uint8_t>>;

// Copied past the caches.
constexpr size_t kLargeBytes = size_t{8} << 20;

Bytes Data(size_t bytes, uint8_t seed = 1) {
  Bytes data;
  for (size_t i = 0; i < bytes; ++i) {
    data.push_back(static_cast<uint8_t>(seed + i * 31 + i / 251));
  }
  return data;
}

ReceivedChunk ChunkOf(const Pieces& pieces) {
  ReceivedChunk chunk;
  chunk.pieces = pieces;
  for (const auto& piece : pieces) {
    chunk.bytes += static_cast<int64_t>(piece.size());
  }
  return chunk;
}

v1::TensorDescription DescriptionOf(size_t bytes) {
  v1::TensorDescription description;
  description.set_bytes(static_cast<int64_t>(bytes));
  return description;
}

// Cuts `data` after each size in turn.
Pieces CutBy(const Bytes& data, const std::vector<size_t>& sizes) {
  Pieces pieces;
  absl::Span<const uint8_t> rest = data;
  for (const size_t size : sizes) {
    pieces.push_back(rest.subspan(0, size));
    rest.remove_prefix(pieces.back().size());
  }
  pieces.push_back(rest);
  return pieces;
}

class BufferDestinationTest : public ::testing::TestWithParam<size_t> {};

TEST_P(BufferDestinationTest, PiecesOfAnySizeGoToAnyAddress) {
  // Room for every offset, and a byte on each side that has to stay.
  Bytes memory(kLargeBytes + 200);
  const Bytes data = Data(20000);
  const Pieces pieces = CutBy(data, {1, 63, 64, 65, 130, 4095, 4096, 4097, 15});
  for (size_t offset = 1; offset <= 65; ++offset) {
    std::fill(memory.begin(), memory.begin() + 20200, uint8_t{0xee});
    BufferDestination destination(
        absl::MakeSpan(memory).subspan(offset, kLargeBytes));
    ASSERT_TRUE(destination.OnHeader(DescriptionOf(GetParam())).ok());
    ASSERT_EQ(destination.Prepare(ChunkOf(pieces)), ExtendCrc32(0, data));
    ASSERT_TRUE(destination.Deliver().ok());
    const auto begin = memory.begin() + static_cast<ptrdiff_t>(offset);
    const auto end = begin + static_cast<ptrdiff_t>(data.size());
    ASSERT_TRUE(Bytes(begin, end) == data) << offset;
    ASSERT_THAT(Bytes(memory.begin(), begin), Each(0xee));
    ASSERT_THAT(Bytes(end, end + 100), Each(0xee));
  }
}

TEST_P(BufferDestinationTest, ChunksFollowOnWhatWasDelivered) {
  Bytes memory(kLargeBytes);
  BufferDestination destination(absl::MakeSpan(memory));
  ASSERT_TRUE(destination.OnHeader(DescriptionOf(GetParam())).ok());
  Bytes expected;
  for (uint8_t seed = 1; seed <= 5; ++seed) {
    const Bytes refused = Data(3000, static_cast<uint8_t>(seed + 100));
    destination.Prepare(ChunkOf({refused}));
    const Bytes data = Data(1000 + seed, seed);
    destination.Prepare(ChunkOf({data}));
    ASSERT_TRUE(destination.Deliver().ok());
    expected.insert(expected.end(), data.begin(), data.end());
  }
  memory.resize(expected.size());
  EXPECT_TRUE(memory == expected);
}

INSTANTIATE_TEST_SUITE_P(SmallAndLargeTensors, BufferDestinationTest,
                         ::testing::Values(100000, kLargeBytes));

TEST(BufferDestinationTest, BufferThatIsTooSmallIsNamed) {
  Bytes memory(99);
  BufferDestination destination(absl::MakeSpan(memory));
  const absl::Status status = destination.OnHeader(DescriptionOf(100));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("99 bytes"));
}

// Remembers where the data stood.
class WatchingSink final : public TensorSink {
 public:
  absl::Status OnData(absl::Span<const uint8_t> bytes) override {
    address = bytes.data();
    data.assign(bytes.begin(), bytes.end());
    return absl::OkStatus();
  }

  const uint8_t* address = nullptr;
  Bytes data;
};

TEST(SinkDestinationTest, OnePieceIsHandedOverWhereItStands) {
  WatchingSink sink;
  SinkDestination destination(sink);
  const Bytes data = Data(5000);
  EXPECT_EQ(destination.Prepare(ChunkOf({data})), ExtendCrc32(0, data));
  EXPECT_EQ(sink.address, nullptr);
  ASSERT_TRUE(destination.Deliver().ok());
  EXPECT_EQ(sink.address, data.data());
  EXPECT_TRUE(sink.data == data);
}

TEST(SinkDestinationTest, SeveralPiecesAreJoined) {
  WatchingSink sink;
  SinkDestination destination(sink);
  for (const size_t bytes : {9000U, 4096U, 12345U}) {
    const Bytes data = Data(bytes);
    EXPECT_EQ(destination.Prepare(ChunkOf(CutBy(data, {1, 4000}))),
              ExtendCrc32(0, data));
    ASSERT_TRUE(destination.Deliver().ok());
    EXPECT_TRUE(sink.data == data) << bytes;
  }
}

TEST(SinkDestinationTest, ErrorOfTheSinkIsReturned) {
  CollectingSink sink(0, absl::InternalError("no more"));
  SinkDestination destination(sink);
  const Bytes data = Data(4);
  destination.Prepare(ChunkOf({data}));
  EXPECT_EQ(destination.Deliver(), absl::InternalError("no more"));
}

}  // namespace
}  // namespace weightinit
