// The numbers that bound a request.

#ifndef WEIGHTINIT_CORE_LIMITS_H_
#define WEIGHTINIT_CORE_LIMITS_H_

#include <cstdint>

namespace weightinit {

inline constexpr int kMaxRank = 16;
inline constexpr int kMaxNameBytes = 1024;
inline constexpr int64_t kMinChunkBytes = 64;
inline constexpr int64_t kMaxChunkBytes = 2 << 20;
inline constexpr int64_t kDefaultChunkBytes = 256 << 10;
// The highest that Limits::max_elements can be: 8 bytes each stay below 2^63.
inline constexpr int64_t kMaxElementsCeiling = int64_t{1} << 59;

// What a server chooses.
struct Limits {
  // Elements of one tensor, before slicing.
  int64_t max_elements = int64_t{1} << 40;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_LIMITS_H_
