// The values of consecutive or evenly spaced elements of a tensor.

#ifndef WEIGHTINIT_CORE_FILL_H_
#define WEIGHTINIT_CORE_FILL_H_

#include <cstdint>

#include "core/sampler.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"

namespace weightinit {

// Computes elements of one tensor as bytes of its dtype. Element i is a
// function of (stream key, distribution, dtype, i) alone. Immutable after
// construction: any thread may use it.
class Filler {
 public:
  Filler(const DistributionParameters& parameters, Dtype dtype,
         StreamKey stream_key);

  // Writes the elements first, first + stride, ..., `count` of them, packed and
  // little-endian to `out`. REQUIRES: stride >= 1. Stride 1 is the fast case.
  void Fill(int64_t first, int64_t stride, int64_t count, uint8_t* out) const;

 private:
  Dtype dtype_;
  StreamKey stream_key_;
  Sampler<float> float_sampler_;    // For all dtypes but kFloat64.
  Sampler<double> double_sampler_;  // For kFloat64.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_FILL_H_
