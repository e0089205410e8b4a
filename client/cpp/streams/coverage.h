// What has been delivered of a tensor that comes in pieces, in any order.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_COVERAGE_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_COVERAGE_H_

#include <cstdint>
#include <map>

namespace weightinit {

// Not thread-safe.
class Coverage {
 public:
  // `bytes` bytes from `offset` on, whose CRC-32 is `crc32`. REQUIRES: none of
  // them was added before.
  void Add(int64_t offset, int64_t bytes, uint32_t crc32);

  int64_t bytes() const { return bytes_; }

  // Of all that was added. REQUIRES: it has no gap, and begins at 0.
  uint32_t crc32() const {
    return runs_.empty() ? 0 : runs_.begin()->second.crc32;
  }

 private:
  struct Run {
    int64_t bytes = 0;
    uint32_t crc32 = 0;
  };

  // By where they begin; no two of them touch.
  std::map<int64_t, Run> runs_;
  int64_t bytes_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_COVERAGE_H_
