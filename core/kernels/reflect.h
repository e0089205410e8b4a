// Householder reflections of many rows at once.

#ifndef WEIGHTINIT_CORE_KERNELS_REFLECT_H_
#define WEIGHTINIT_CORE_KERNELS_REFLECT_H_

#include <cstdint>

namespace weightinit {

// Rows that are reflected together: so few that at a width of some thousand
// they stay in the second-level cache.
inline constexpr int64_t kTileRows = 16;
// Reflections that are applied together.
inline constexpr int64_t kGroupReflections = 4;

// Up to kGroupReflections reflections x -> x - (x . v) v, where |v|^2 = 2; a
// vector of zeros stands for one that is not there.
struct ReflectionGroup {
  // Coordinates before it are 0 in every vector.
  int64_t first = 0;
  // Coordinate first + c of vector i is vectors[c * kGroupReflections + i].
  const double* vectors = nullptr;
  // The products of two vectors: 0 and 1, 0 and 2, 0 and 3, 1 and 2, 1 and 3, 2
  // and 3.
  double products[6] = {};
};

// Fills in `products` of a group of vectors with `width` coordinates.
void MultiplyVectors(int64_t width, ReflectionGroup& group);

// Reflects kTileRows rows x of `width` coordinates by each group in order, in a
// group by vector 3 first and vector 0 last; coordinate c of row r is tile[c *
// kTileRows + r]. With s[i] the sum of x[c] * v[i][c] over c from `first` on,
// in their order from 0, and p the products:
//
//   t3 = s3,  t2 = s2 - t3 p23,  t1 = s1 - t3 p13 - t2 p12,
//   t0 = s0 - t3 p03 - t2 p02 - t1 p01,
//   x[c] = x[c] - t3 v3[c] - t2 v2[c] - t1 v1[c] - t0 v0[c]
//
// in double, from left to right, each operation rounded. REQUIRES: `first` of
// each group is kGroupReflections below that of the group before it.
void ReflectTile(const ReflectionGroup* groups, int64_t count, int64_t width,
                 double* tile);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_KERNELS_REFLECT_H_
