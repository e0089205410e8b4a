#include "server/stream/chunk_encoding.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "server/stream/buffer_pool.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

std::vector<grpc::Slice> SlicesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  return slices;
}

TEST(ChunkEncodingTest, EqualsTheGeneratedCodeByteForByte) {
  const auto pool = BufferPool::Create(0);
  for (int64_t first_element :
       {int64_t{0}, int64_t{1}, int64_t{127}, int64_t{128}, int64_t{65536},
        int64_t{1} << 59}) {
    for (uint32_t crc32 : {0U, 1U, 0x80000000U, 0xFFFFFFFFU}) {
      for (size_t bytes : {1UL, 120UL, 127UL, 128UL, 16384UL, 2UL << 20}) {
        auto buffer = pool->Take(bytes);
        for (size_t i = 0; i < bytes; ++i) {
          buffer->data()[i] = static_cast<uint8_t>(i * 31 + 7);
        }
        v1::InitializeTensorResponse response;
        response.mutable_chunk()->set_first_element(first_element);
        response.mutable_chunk()->set_crc32(crc32);
        response.mutable_chunk()->set_data(buffer->data(), bytes);

        const auto encoded =
            EncodeChunk(first_element, crc32, std::move(buffer), bytes);

        std::string flat;
        for (const grpc::Slice& slice : SlicesOf(encoded)) {
          flat.append(reinterpret_cast<const char*>(slice.begin()),
                      slice.size());
        }
        ASSERT_EQ(flat, response.SerializeAsString())
            << first_element << " " << crc32 << " " << bytes;
      }
    }
  }
}

TEST(ChunkEncodingTest, PayloadIsThePoolsBufferItself) {
  const auto pool = BufferPool::Create(0);
  auto buffer = pool->Take(4096);
  const uint8_t* const data = buffer->data();
  const auto encoded = EncodeChunk(5, 6, std::move(buffer), 4000);
  const auto slices = SlicesOf(encoded);
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[1].begin(), data);
  EXPECT_EQ(slices[1].size(), 4000U);
}

TEST(ChunkEncodingTest, BufferGoesBackWithTheLastReference) {
  const auto pool = BufferPool::Create(0);
  auto encoded = EncodeChunk(0, 0, pool->Take(64), 64);
  auto copy = encoded;
  encoded.Clear();
  EXPECT_EQ(pool->in_use(), 1);
  copy.Clear();
  EXPECT_EQ(pool->in_use(), 0);
}

}  // namespace
}  // namespace weightinit
