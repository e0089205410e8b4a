// Memory that measurements write to.

#ifndef WEIGHTINIT_TESTS_BENCH_TOUCHED_MEMORY_H_
#define WEIGHTINIT_TESTS_BENCH_TOUCHED_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/types/span.h"

namespace weightinit::bench {

// Owns memory whose pages are all there: huge ones where the system has them,
// as peers.py asks for too, so that no page fault is measured and everyone
// writes to the same kind of memory. Any thread may use it.
class TouchedMemory {
 public:
  // REQUIRES: `bytes` > 0.
  explicit TouchedMemory(size_t bytes);

  absl::Span<uint8_t> span() const { return {data_.get(), bytes_}; }

 private:
  struct Free {
    void operator()(uint8_t* data) const;
  };

  size_t bytes_;
  std::unique_ptr<uint8_t, Free> data_;
};

}  // namespace weightinit::bench

#endif  // WEIGHTINIT_TESTS_BENCH_TOUCHED_MEMORY_H_
