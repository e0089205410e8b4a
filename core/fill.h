// The values of elements of a tensor by their indices.

#ifndef WEIGHTINIT_CORE_FILL_H_
#define WEIGHTINIT_CORE_FILL_H_

#include <cstdint>

#include "core/sampler.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

namespace weightinit {

// Evenly spaced logical indices: first, first + stride, ...
struct Run {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t count = 0;
};

// Computes elements of one tensor as bytes of its dtype. Element i is a
// function of (stream key, distribution, dtype, i) alone. Immutable after
// construction: any thread may use it.
class Filler {
 public:
  Filler(const DistributionParameters &parameters, Dtype dtype,
         StreamKey stream_key);

  // Writes the elements of `run` to `out`, packed and little-endian.
  void Fill(const Run &run, uint8_t *out) const;

  // Writes the elements of a matrix to `out`, row by row, packed: row r and
  // column c is element run.first + r + c * run.stride, for `rows` rows and
  // run.count columns. REQUIRES: run.stride >= rows.
  void FillTransposed(const Run &run, int64_t rows, uint8_t *out) const;

 private:
  Dtype dtype_;
  StreamKey stream_key_;
  Sampler<float> float_sampler_;    // For all dtypes but kFloat64.
  Sampler<double> double_sampler_;  // For kFloat64.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_FILL_H_
