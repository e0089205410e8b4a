#include "client/cpp/statistics/block_sums.h"

// Vectors whose size is known only at run time cannot be members of an array.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "client/cpp/statistics/block_sums.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep; includes this file again.
// After foreach_target.h, and for each target:
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, kSumLanes>;
constexpr size_t kLanes = hn::MaxLanes(Doubles());
constexpr size_t kVectors = kSumLanes / kLanes;
static_assert(kVectors * kLanes == kSumLanes);

HWY_INLINE hn::Vec<Doubles> LoadAsDoubles(const double* values) {
  return hn::LoadU(Doubles(), values);
}
HWY_INLINE hn::Vec<Doubles> LoadAsDoubles(const float* values) {
  return hn::PromoteTo(Doubles(),
                       hn::LoadU(hn::Rebind<float, Doubles>(), values));
}

template <typename T>
void AddAll(const T* HWY_RESTRICT values, size_t count, BlockSums& total) {
  const Doubles d;
  const auto shift = hn::Set(d, total.shift);
  hn::Vec<Doubles> sums[kVectors];
  hn::Vec<Doubles> squares[kVectors];
  hn::Vec<Doubles> lows[kVectors];
  hn::Vec<Doubles> highs[kVectors];
  for (size_t k = 0; k < kVectors; ++k) {
    sums[k] = hn::LoadU(d, &total.sums[k * kLanes]);
    squares[k] = hn::LoadU(d, &total.squares[k * kLanes]);
    lows[k] = hn::LoadU(d, &total.lows[k * kLanes]);
    highs[k] = hn::LoadU(d, &total.highs[k * kLanes]);
  }
  size_t i = 0;
  for (; i + kSumLanes <= count; i += kSumLanes) {
    for (size_t k = 0; k < kVectors; ++k) {
      const auto value = LoadAsDoubles(values + i + k * kLanes);
      const auto difference = hn::Sub(value, shift);
      sums[k] = hn::Add(sums[k], difference);
      squares[k] = hn::Add(squares[k], hn::Mul(difference, difference));
      lows[k] = hn::Min(value, lows[k]);
      highs[k] = hn::Max(value, highs[k]);
    }
  }
  for (size_t k = 0; k < kVectors; ++k) {
    hn::StoreU(sums[k], d, &total.sums[k * kLanes]);
    hn::StoreU(squares[k], d, &total.squares[k * kLanes]);
    hn::StoreU(lows[k], d, &total.lows[k * kLanes]);
    hn::StoreU(highs[k], d, &total.highs[k * kLanes]);
  }
  for (size_t lane = 0; i < count; ++i, ++lane) {
    const auto value = static_cast<double>(values[i]);
    const double difference = value - total.shift;
    total.sums[lane] += difference;
    total.squares[lane] += difference * difference;
    total.lows[lane] = std::min(total.lows[lane], value);
    total.highs[lane] = std::max(total.highs[lane], value);
  }
}

void AddFloats(const float* values, size_t count, BlockSums& sums) {
  AddAll(values, count, sums);
}
void AddDoubles(const double* values, size_t count, BlockSums& sums) {
  AddAll(values, count, sums);
}

template <typename T>
int64_t CountAllBelow(const T* HWY_RESTRICT values, size_t count, T bound) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto bounds = hn::Set(d, bound);
  auto below = hn::Zero(di);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto less =
        hn::RebindMask(di, hn::Lt(hn::LoadU(d, values + i), bounds));
    below = hn::Sub(below, hn::VecFromMask(di, less));  // A set mask is -1.
  }
  auto total = static_cast<int64_t>(hn::GetLane(hn::SumOfLanes(di, below)));
  for (; i < count; ++i) total += static_cast<int64_t>(values[i] < bound);
  return total;
}

int64_t CountFloatsBelow(const float* values, size_t count, float bound) {
  return CountAllBelow(values, count, bound);
}
int64_t CountDoublesBelow(const double* values, size_t count, double bound) {
  return CountAllBelow(values, count, bound);
}

// Plain loops, which the compiler makes vectors of for each target.

HWY_INLINE float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// binary16: its exponent and fraction, moved into those of a float, are 2^112
// times too small; that also makes its subnormals right.
void Float16ToFloat(const uint16_t* HWY_RESTRICT bits, size_t count,
                    float* HWY_RESTRICT values) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t half = bits[i];
    const uint32_t sign = (half & 0x8000) << 16;
    const uint32_t magnitude = (half & 0x7fff) << 13;
    const float finite = FloatFromBits(magnitude) * 0x1p112F;
    const float value = magnitude >= 0x0f800000
                            ? FloatFromBits(magnitude | 0x7f800000)
                            : finite;
    uint32_t value_bits;
    std::memcpy(&value_bits, &value, sizeof(value));
    values[i] = FloatFromBits(value_bits | sign);
  }
}

void Bfloat16ToFloat(const uint16_t* HWY_RESTRICT bits, size_t count,
                     float* HWY_RESTRICT values) {
  for (size_t i = 0; i < count; ++i) {
    values[i] = FloatFromBits(static_cast<uint32_t>(bits[i]) << 16);
  }
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weightinit {

HWY_EXPORT(AddFloats);
HWY_EXPORT(AddDoubles);
HWY_EXPORT(CountFloatsBelow);
HWY_EXPORT(CountDoublesBelow);
HWY_EXPORT(Float16ToFloat);
HWY_EXPORT(Bfloat16ToFloat);

void AddValues(const float* values, size_t count, BlockSums& sums) {
  HWY_DYNAMIC_DISPATCH(AddFloats)(values, count, sums);
}
void AddValues(const double* values, size_t count, BlockSums& sums) {
  HWY_DYNAMIC_DISPATCH(AddDoubles)(values, count, sums);
}
int64_t CountBelow(const float* values, size_t count, float bound) {
  return HWY_DYNAMIC_DISPATCH(CountFloatsBelow)(values, count, bound);
}
int64_t CountBelow(const double* values, size_t count, double bound) {
  return HWY_DYNAMIC_DISPATCH(CountDoublesBelow)(values, count, bound);
}
void DecodeFloat16(const uint16_t* bits, size_t count, float* values) {
  HWY_DYNAMIC_DISPATCH(Float16ToFloat)(bits, count, values);
}
void DecodeBfloat16(const uint16_t* bits, size_t count, float* values) {
  HWY_DYNAMIC_DISPATCH(Bfloat16ToFloat)(bits, count, values);
}

}  // namespace weightinit
#endif  // HWY_ONCE
