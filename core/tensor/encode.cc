#include "core/tensor/encode.h"

#include <cstdint>
#include <cstring>

#include "core/random/half.h"
#include "weightinit/core/request.h"

namespace weightinit {

void Encode(Dtype dtype, const double* numbers, int64_t count, uint8_t* out) {
  const auto encode = [&](auto element_of) {
    for (int64_t i = 0; i < count; ++i) {
      const auto element = element_of(numbers[i]);
      std::memcpy(out + i * static_cast<int64_t>(sizeof(element)), &element,
                  sizeof(element));
    }
  };
  switch (dtype) {
    case Dtype::kFloat64:
      encode([](double number) { return number; });
      break;
    case Dtype::kFloat16:
      encode([](double number) {
        return Float16Bits(static_cast<float>(number));
      });
      break;
    case Dtype::kBfloat16:
      encode([](double number) {
        return Bfloat16Bits(static_cast<float>(number));
      });
      break;
    case Dtype::kFloat32:
    case Dtype::kUnspecified:
      encode([](double number) { return static_cast<float>(number); });
      break;
  }
}

}  // namespace weightinit
