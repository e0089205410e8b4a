#include "core/kernels/reflect.h"

// As in kernel.cc.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/reflect.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep; includes this file again.
// After foreach_target.h, and for each target:
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weightinit::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Lanes are rows, so that the sums of a row do not depend on how many there
// are.
using RowTag = hn::CappedTag<double, kTileRows>;

// Vectors that are worked on at once: one where there are 16 registers, two
// where there are more.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr size_t kVectors = 2;
#else
constexpr size_t kVectors = 1;
#endif

// An array, since the implicit constructor of a class would be compiled for the
// baseline.
using Rows = hn::Vec<RowTag>[kVectors];

HWY_INLINE size_t RowsAtOnce() { return kVectors * hn::Lanes(RowTag()); }

HWY_INLINE void LoadRows(const double* from, Rows& rows) {
  const RowTag tag;
  for (size_t i = 0; i < kVectors; ++i) {
    rows[i] = hn::LoadU(tag, from + i * hn::Lanes(tag));
  }
}

HWY_INLINE void StoreRows(const Rows& rows, double* to) {
  const RowTag tag;
  for (size_t i = 0; i < kVectors; ++i) {
    hn::StoreU(rows[i], tag, to + i * hn::Lanes(tag));
  }
}

// x - a * b, and x + a * b, each rounded twice.
HWY_INLINE void SubtractProduct(const Rows& a, double b, Rows& x) {
  const auto factor = hn::Set(RowTag(), b);
  for (size_t i = 0; i < kVectors; ++i) {
    x[i] = hn::Sub(x[i], hn::Mul(a[i], factor));
  }
}
HWY_INLINE void AddProduct(const Rows& a, double b, Rows& x) {
  const auto factor = hn::Set(RowTag(), b);
  for (size_t i = 0; i < kVectors; ++i) {
    x[i] = hn::Add(x[i], hn::Mul(a[i], factor));
  }
}

// Coordinates that are walked for some rows before those of the next rows:
// their part of the tile and of the vectors stays in the first-level cache.
constexpr int64_t kRunCoordinates = 64;

// For each reflection of a group, a number for each row.
using RowNumbers = double[kGroupReflections][kTileRows];

// Coordinates [begin, end) of the tile: subtracts `factors` times the vectors
// of `current`, then adds the products with those of `next` to `sums`.
template <bool kSubtract, bool kProject>
HWY_NOINLINE void WalkTile(const ReflectionGroup* current,
                           const RowNumbers& factors,
                           const ReflectionGroup* next, RowNumbers& sums,
                           int64_t begin, int64_t end, double* tile) {
  for (int64_t from = begin; from < end; from += kRunCoordinates) {
    const int64_t to = std::min(end, from + kRunCoordinates);
    for (size_t row = 0; row < static_cast<size_t>(kTileRows);
         row += RowsAtOnce()) {
      Rows f0, f1, f2, f3;
      LoadRows(factors[0] + row, f0);
      LoadRows(factors[1] + row, f1);
      LoadRows(factors[2] + row, f2);
      LoadRows(factors[3] + row, f3);
      Rows s0, s1, s2, s3;
      LoadRows(sums[0] + row, s0);
      LoadRows(sums[1] + row, s1);
      LoadRows(sums[2] + row, s2);
      LoadRows(sums[3] + row, s3);
      for (int64_t c = from; c < to; ++c) {
        double* const at = tile + c * kTileRows + row;
        Rows x;
        LoadRows(at, x);
        if constexpr (kSubtract) {
          const double* const v =
              current->vectors + (c - current->first) * kGroupReflections;
          SubtractProduct(f3, v[3], x);
          SubtractProduct(f2, v[2], x);
          SubtractProduct(f1, v[1], x);
          SubtractProduct(f0, v[0], x);
          StoreRows(x, at);
        }
        if constexpr (kProject) {
          const double* const v =
              next->vectors + (c - next->first) * kGroupReflections;
          AddProduct(x, v[0], s0);
          AddProduct(x, v[1], s1);
          AddProduct(x, v[2], s2);
          AddProduct(x, v[3], s3);
        }
      }
      if constexpr (kProject) {
        StoreRows(s0, sums[0] + row);
        StoreRows(s1, sums[1] + row);
        StoreRows(s2, sums[2] + row);
        StoreRows(s3, sums[3] + row);
      }
    }
  }
}

// From the products of the rows with each vector to those that the rows have
// when its turn comes.
HWY_INLINE void Solve(const ReflectionGroup& group, const RowNumbers& sums,
                      RowNumbers& factors) {
  const double(&p)[6] = group.products;
  for (int64_t r = 0; r < kTileRows; ++r) {
    const double t3 = sums[3][r];
    const double t2 = sums[2][r] - t3 * p[5];
    const double t1 = sums[1][r] - t3 * p[4] - t2 * p[3];
    const double t0 = sums[0][r] - t3 * p[2] - t2 * p[1] - t1 * p[0];
    factors[3][r] = t3;
    factors[2][r] = t2;
    factors[1][r] = t1;
    factors[0][r] = t0;
  }
}

void ReflectTileOf(const ReflectionGroup* groups, int64_t count, int64_t width,
                   double* tile) {
  HWY_ALIGN RowNumbers factors = {};
  HWY_ALIGN RowNumbers sums = {};
  WalkTile<false, true>(nullptr, factors, groups, sums, groups->first, width,
                        tile);
  for (int64_t g = 0; g < count; ++g) {
    const ReflectionGroup& current = groups[g];
    Solve(current, sums, factors);
    if (g + 1 == count) {
      WalkTile<true, false>(&current, factors, nullptr, sums, current.first,
                            width, tile);
      break;
    }
    // The sums of the next group, while what they are made of is at hand.
    const ReflectionGroup& next = groups[g + 1];
    std::fill_n(&sums[0][0], kGroupReflections * kTileRows, 0.0);
    WalkTile<false, true>(nullptr, factors, &next, sums, next.first,
                          current.first, tile);
    WalkTile<true, true>(&current, factors, &next, sums, current.first, width,
                         tile);
  }
}

}  // namespace weightinit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weightinit {

HWY_EXPORT(ReflectTileOf);

void ReflectTile(const ReflectionGroup* groups, int64_t count, int64_t width,
                 double* tile) {
  HWY_DYNAMIC_DISPATCH(ReflectTileOf)(groups, count, width, tile);
}

void MultiplyVectors(int64_t width, ReflectionGroup& group) {
  double sums[6] = {};
  for (int64_t c = 0; c < width - group.first; ++c) {
    const double* const v = group.vectors + c * kGroupReflections;
    sums[0] += v[0] * v[1];
    sums[1] += v[0] * v[2];
    sums[2] += v[0] * v[3];
    sums[3] += v[1] * v[2];
    sums[4] += v[1] * v[3];
    sums[5] += v[2] * v[3];
  }
  std::copy(sums, sums + 6, group.products);
}

}  // namespace weightinit
#endif  // HWY_ONCE
