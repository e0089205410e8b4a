// The fingerprint of a model: core/DETERMINISM.md defines it.

#ifndef WEIGHTINIT_CORE_MODEL_FINGERPRINT_H_
#define WEIGHTINIT_CORE_MODEL_FINGERPRINT_H_

#include <array>
#include <cstdint>
#include <vector>

#include "weightinit/core/model_plan.h"
#include "weightinit/core/request.h"

namespace weightinit {

using Digest = std::array<uint8_t, 32>;

// Collects the tensors of a model, in any order.
class Fingerprint {
 public:
  // Everything that decides the bytes of the whole tensor, whatever its slice.
  void Add(const ModelTensor& tensor);

  Digest Finish(Generator generator, uint64_t seed);

 private:
  std::vector<Digest> tensors_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_FINGERPRINT_H_
