#include "server/stream/buffer_pool.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weightinit {
namespace {

TEST(BufferPoolTest, EverySizeIsAlignedAndLargeEnough) {
  const auto pool = BufferPool::Create(0);
  for (size_t bytes : {1UL, 63UL, 64UL, 65UL, 4096UL, 262144UL, 262145UL,
                       (2UL << 20) - 1, 2UL << 20}) {
    const auto buffer = pool->Take(bytes);
    EXPECT_GE(buffer->capacity(), bytes);
    EXPECT_LE(buffer->capacity(), std::max<size_t>(64, 2 * bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0U);
    std::memset(buffer->data(), 1, buffer->capacity());
  }
}

TEST(BufferPoolTest, BufferGivenBackIsLentAgain) {
  const auto pool = BufferPool::Create(1 << 20);
  auto buffer = pool->Take(4096);
  uint8_t* const data = buffer->data();
  buffer.reset();
  EXPECT_EQ(pool->free_bytes(), 4096U);
  EXPECT_EQ(pool->Take(4000)->data(), data);
}

TEST(BufferPoolTest, KeepsNoMoreFreeBytesThanAllowed) {
  const auto pool = BufferPool::Create(10000);
  std::vector<std::unique_ptr<BufferPool::Buffer>> lent;
  for (int i = 0; i < 5; ++i) lent.push_back(pool->Take(4096));
  EXPECT_EQ(pool->in_use(), 5);
  lent.clear();
  EXPECT_EQ(pool->in_use(), 0);
  EXPECT_EQ(pool->free_bytes(), 8192U);
}

TEST(BufferPoolTest, BufferOutlivesTheLastHandleOfItsPool) {
  auto pool = BufferPool::Create(1 << 20);
  const auto buffer = pool->Take(100);
  const std::weak_ptr<BufferPool> watched = pool;
  pool.reset();
  EXPECT_FALSE(watched.expired());
  std::memset(buffer->data(), 1, 100);
}

TEST(BufferPoolTest, ThreadsNeverShareALentBuffer) {
  const auto pool = BufferPool::Create(1 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 2000; ++i) {
        const auto buffer = pool->Take(256);
        std::memset(buffer->data(), t, 256);
        for (int b = 0; b < 256; ++b) ASSERT_EQ(buffer->data()[b], t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool->in_use(), 0);
}

}  // namespace
}  // namespace weightinit
