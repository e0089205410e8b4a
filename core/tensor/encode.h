// From numbers to the bytes of elements.

#ifndef WEIGHTINIT_CORE_TENSOR_ENCODE_H_
#define WEIGHTINIT_CORE_TENSOR_ENCODE_H_

#include <cstdint>

#include "weightinit/core/request.h"

namespace weightinit {

// The numbers as elements of the dtype, packed and little-endian, rounded to
// float32 first where that is not float64.
void Encode(Dtype dtype, const double* numbers, int64_t count, uint8_t* out);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_ENCODE_H_
