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
// Parts of a tensor, those of parts counted too, and levels of parts in parts.
inline constexpr int kMaxParts = 2048;
inline constexpr int kMaxPartLevels = 4;
// Bytes of an expression, of the name of an index or a constant.
inline constexpr int kMaxExpressionBytes = 256;
// Levels of blocks in blocks.
inline constexpr int kMaxBlockLevels = 16;
// The highest that Limits::max_elements can be: 8 bytes each stay below 2^63.
inline constexpr int64_t kMaxElementsCeiling = int64_t{1} << 59;

// What a server chooses.
struct Limits {
  // Elements of one tensor, before slicing.
  int64_t max_elements = int64_t{1} << 40;
  // Tensors of one model.
  int64_t max_tensors = 100000;
  // Floating-point operations of one tensor's slice, beside those of its draws:
  // enough for an orthogonal matrix of 16384 x 16384.
  int64_t max_operations = 10'000'000'000'000;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_LIMITS_H_
