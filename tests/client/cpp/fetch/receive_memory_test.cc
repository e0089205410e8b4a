#include "client/cpp/fetch/receive_memory.h"

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>

#include "gtest/gtest.h"

namespace weightinit {
namespace {

TEST(ReceiveMemoryTest, HeapKeepsBlocksThatWereFreed) {
  KeepReceiveMemory();
  // As many as gRPC may have received ahead, each of the size that it uses.
  std::array<void*, 128> blocks{};
  for (void*& block : blocks) block = std::malloc(size_t{64} << 10);
  const void* const end_of_heap = sbrk(0);
  for (void* const block : blocks) std::free(block);
  EXPECT_EQ(sbrk(0), end_of_heap);
}

}  // namespace
}  // namespace weightinit
