#include "tests/bench/touched_memory.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace weightinit::bench {
namespace {

constexpr auto kHugePage = std::align_val_t{2 << 20};

}  // namespace

TouchedMemory::TouchedMemory(size_t bytes)
    : bytes_(bytes),
      data_(static_cast<uint8_t*>(::operator new(bytes, kHugePage))) {
#ifdef MADV_HUGEPAGE
  // A system without huge pages refuses, and small ones do.
  static_cast<void>(madvise(data_.get(), bytes, MADV_HUGEPAGE));
#endif
  std::memset(data_.get(), 1, bytes);
}

void TouchedMemory::Free::operator()(uint8_t* data) const {
  ::operator delete(data, kHugePage);
}

}  // namespace weightinit::bench
