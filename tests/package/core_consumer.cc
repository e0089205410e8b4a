// Computes a tensor with the installed weightinit::core and prints its CRC-32.

#include <cstdint>
#include <cstdio>
#include <vector>

#include "absl/types/span.h"
#include "weightinit/core/checksum.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor.h"
#include "weightinit/core/tensor_reader.h"

int main() {
  weightinit::TensorRequest request;
  request.seed = 42;
  request.tensor.name = "fc1.weight";
  request.tensor.shape = {512, 256};
  request.tensor.activation = weightinit::Activation::kRelu;
  const auto plan = weightinit::Resolve(request);
  if (!plan.ok()) return 1;
  weightinit::TensorReader reader(*plan);
  std::vector<uint8_t> bytes(static_cast<size_t>(plan->bytes));
  reader.Read(absl::MakeSpan(bytes));
  std::printf("%08x\n", weightinit::ExtendCrc32(0, bytes));
  return 0;
}
