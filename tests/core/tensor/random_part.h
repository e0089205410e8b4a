// Random parts of tensors, to compare with the whole.

#ifndef WEIGHTINIT_TESTS_CORE_TENSOR_RANDOM_PART_H_
#define WEIGHTINIT_TESTS_CORE_TENSOR_RANDOM_PART_H_

#include <cstdint>
#include <random>

#include "weightinit/core/request.h"

namespace weightinit {

// A number from 0 to `end` - 1.
inline int64_t Below(int64_t end, std::mt19937& random) {
  return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
}

// Asks for some elements of some slice; neither is empty.
inline void ChoosePart(std::mt19937& random, TensorRequest& request) {
  int64_t elements = 1;
  for (const int64_t size : request.tensor.shape) {
    const int64_t start = Below(size, random);
    const int64_t stop = start + 1 + Below(size - start, random);
    request.slice.push_back({start, stop});
    elements *= stop - start;
  }
  request.first_element = Below(elements, random);
  request.element_count = 1 + Below(elements - request.first_element, random);
}

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_CORE_TENSOR_RANDOM_PART_H_
