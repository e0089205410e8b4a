// Fetches a tensor with the installed weightinit::client from the server given
// as argument and prints its CRC-32.

#include <cstdint>
#include <cstdio>
#include <vector>

#include "absl/types/span.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  weightinit::WeightClientOptions options;
  options.servers = {argv[1]};
  const auto client = weightinit::WeightClient::Create(options);
  if (!client.ok()) return 1;
  weightinit::v1::InitializeTensorRequest request;
  request.set_seed(42);
  request.mutable_tensor()->set_name("fc1.weight");
  request.mutable_tensor()->add_shape(512);
  request.mutable_tensor()->add_shape(256);
  request.mutable_tensor()->set_activation(weightinit::v1::ACTIVATION_RELU);
  std::vector<uint8_t> weights(512 * 256 * sizeof(float));
  const auto result = (*client)->Fetch(request, absl::MakeSpan(weights));
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    return 1;
  }
  std::printf("%08x\n", result->crc32);
  return 0;
}
