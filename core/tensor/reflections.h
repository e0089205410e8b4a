// The random reflections that an orthogonal matrix is a product of.

#ifndef WEIGHTINIT_CORE_TENSOR_REFLECTIONS_H_
#define WEIGHTINIT_CORE_TENSOR_REFLECTIONS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "core/kernels/reflect.h"
#include "core/tensor/fill.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// Reflection k, 0 <= k < count, leaves the first k of `width` coordinates as
// they are; its vector comes from the random elements k * width + c, k <= c <
// width, of the tensor's stream. Any of them can be made alone. Not
// thread-safe.
class Reflections {
 public:
  // REQUIRES: 1 <= count <= width.
  Reflections(StreamKey key, int64_t count, int64_t width);

  // The group that reflection k is in.
  static int64_t GroupOf(int64_t k) { return k / kGroupReflections; }

  int64_t width() const { return width_; }
  // Numbers that the vectors of a group have.
  int64_t VectorSize(int64_t group) const {
    return (width_ - group * kGroupReflections) * kGroupReflections;
  }

  // Makes a group; `vectors` has room for its vectors, and stays in use. Sets
  // `signs` to what row k of the product is multiplied by for each of its
  // reflections: 1 or -1, so that the row is uniform on the sphere.
  ReflectionGroup Make(int64_t group, double* vectors,
                       std::array<double, kGroupReflections>& signs);

 private:
  const int64_t count_;
  const int64_t width_;
  const Filler filler_;
  std::vector<float> draws_;  // Of a group, one vector behind the other.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_REFLECTIONS_H_
