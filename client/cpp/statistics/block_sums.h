// Sums over values that lie in the first-level cache, by the instruction set in
// force; the same numbers with every one.

#ifndef WEIGHTINIT_CLIENT_CPP_STATISTICS_BLOCK_SUMS_H_
#define WEIGHTINIT_CLIENT_CPP_STATISTICS_BLOCK_SUMS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace weightinit {

// As many sums stand beside each other, whatever the width of a vector: value
// number i counts in lane i % kSumLanes.
inline constexpr size_t kSumLanes = 8;

// Of differences from `shift`, so that nothing is lost when the mean is large
// beside the deviation.
struct BlockSums {
  double shift = 0;
  std::array<double, kSumLanes> sums{};
  std::array<double, kSumLanes> squares{};
  // Smallest and largest value; starts beyond all values.
  std::array<double, kSumLanes> lows;
  std::array<double, kSumLanes> highs;
};

// Adds `count` values. REQUIRES: those added before were a multiple of
// kSumLanes.
void AddValues(const float* values, size_t count, BlockSums& sums);
void AddValues(const double* values, size_t count, BlockSums& sums);

// The number of values below `bound`. REQUIRES: count is below 2^31.
int64_t CountBelow(const float* values, size_t count, float bound);
int64_t CountBelow(const double* values, size_t count, double bound);

// Values of float16 and bfloat16 as float.
void DecodeFloat16(const uint16_t* bits, size_t count, float* values);
void DecodeBfloat16(const uint16_t* bits, size_t count, float* values);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STATISTICS_BLOCK_SUMS_H_
