// Writes the bytes of a tensor, computed with the installed weightinit::core,
// to standard output.

#include <cstdint>
#include <cstdio>
#include <vector>

#include "absl/types/span.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
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
  const size_t written = std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  return written == bytes.size() ? 0 : 1;
}
