// Which bytes of a tensor that comes in pieces, in any order, are there.

#ifndef WEIGHTINIT_PROTO_CPP_COVERAGE_H_
#define WEIGHTINIT_PROTO_CPP_COVERAGE_H_

#include <cstdint>
#include <map>

namespace weightinit {

// Not thread-safe.
class Coverage {
 public:
  struct Run {
    int64_t bytes = 0;
    uint32_t crc32 = 0;
  };

  // `bytes` bytes from `offset` on, whose CRC-32 is `crc32`. REQUIRES: none of
  // them was added before.
  void Add(int64_t offset, int64_t bytes, uint32_t crc32);

  // Whether one of `bytes` bytes from `offset` on was added.
  bool Overlaps(int64_t offset, int64_t bytes) const;

  int64_t bytes() const { return bytes_; }
  // By where they begin; no two of them touch.
  const std::map<int64_t, Run>& runs() const { return runs_; }

  // Of all that was added. REQUIRES: it has no gap, and begins at 0.
  uint32_t crc32() const {
    return runs_.empty() ? 0 : runs_.begin()->second.crc32;
  }

 private:
  std::map<int64_t, Run> runs_;
  int64_t bytes_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_COVERAGE_H_
