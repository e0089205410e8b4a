// Initialises a model from a manifest, twice: into buffers by the names of the
// tensors, and as a stream, which it compares with them.
//
// usage: init_model MANIFEST [SEED [HOST:PORT]]
// Without a server it computes the model itself; the bytes are the same.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/model_buffers.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace {

using weightinit::WeightClient;

// One tensor of the program's own, as a framework would have it.
struct Tensor {
  std::string shape;
  std::vector<uint8_t> data;
  uint32_t crc32 = 0;
};

using Tensors = std::map<std::string, Tensor>;

absl::StatusOr<std::unique_ptr<WeightClient>> Connect(const char* server) {
  if (server == nullptr) return WeightClient::Local();
  weightinit::WeightClientOptions options;
  options.servers = {server};
  // As the command does it.
  if (const char* ca = std::getenv("WEIGHTINIT_CA"); ca != nullptr && *ca) {
    options.tls.emplace().ca_file = ca;
  }
  if (const char* token = std::getenv("WEIGHTINIT_TOKEN")) {
    options.token = token;
  }
  return WeightClient::Create(options);
}

// Room for each tensor of the model. An alias shares that of another tensor.
absl::StatusOr<Tensors> Allocate(
    WeightClient& client,
    const weightinit::v1::InitializeModelRequest& request) {
  weightinit::v1::DescribeModelRequest describe;
  *describe.mutable_model() = request.model();
  describe.set_seed(request.seed());
  Tensors tensors;
  const auto summary = client.DescribeModel(
      describe, [&](const weightinit::v1::ModelTensor& tensor) {
        if (!tensor.alias_of().empty()) return absl::OkStatus();
        Tensor& room = tensors[tensor.description().name()];
        for (const int64_t size : tensor.description().shape()) {
          room.shape += (room.shape.empty() ? "" : "x") + std::to_string(size);
        }
        room.data.resize(static_cast<size_t>(tensor.description().bytes()));
        return absl::OkStatus();
      });
  if (!summary.ok()) return summary.status();
  return tensors;
}

// Takes the model in pieces, on several threads, and compares them with what
// the buffers hold.
class ComparingSink final : public weightinit::ModelSink {
 public:
  explicit ComparingSink(Tensors& tensors) : tensors_(tensors) {}

  absl::Status OnPiece(const weightinit::v1::ModelTensor& tensor,
                       int64_t offset,
                       absl::Span<const uint8_t> piece) override {
    const Tensor& expected = tensors_.at(tensor.description().name());
    if (std::memcmp(expected.data.data() + offset, piece.data(),
                    piece.size()) != 0) {
      return absl::DataLossError(tensor.description().name() + " differs");
    }
    return absl::OkStatus();
  }

  // Called one at a time.
  absl::Status OnTensorEnd(const weightinit::v1::ModelTensor& tensor,
                           uint32_t crc32) override {
    tensors_.at(tensor.description().name()).crc32 = crc32;
    return absl::OkStatus();
  }

 private:
  Tensors& tensors_;
};

absl::Status Run(const char* manifest, uint64_t seed, const char* server) {
  auto model = weightinit::ReadManifest(manifest);
  if (!model.ok()) return model.status();
  weightinit::v1::InitializeModelRequest request;
  *request.mutable_model() = *std::move(model);
  request.set_seed(seed);

  const auto client = Connect(server);
  if (!client.ok()) return client.status();
  auto tensors = Allocate(**client, request);
  if (!tensors.ok()) return tensors.status();

  weightinit::ModelBuffers buffers;
  for (auto& [name, tensor] : *tensors) {
    buffers[name] = absl::MakeSpan(tensor.data);
  }
  const auto filled = (*client)->FetchModel(request, buffers);
  if (!filled.ok()) return filled.status();

  ComparingSink sink(*tensors);
  const auto streamed = (*client)->FetchModel(request, sink);
  if (!streamed.ok()) return streamed.status();

  std::printf("%-40s  %-14s %10s  %8s\n", "tensor", "shape", "bytes", "crc32");
  for (const auto& [name, tensor] : *tensors) {
    std::printf("%-40s  %-14s %10zu  %08x\n", name.c_str(),
                tensor.shape.empty() ? "scalar" : tensor.shape.c_str(),
                tensor.data.size(), tensor.crc32);
  }
  std::printf("%lld tensors, %lld bytes, crc32 %08x\n",
              static_cast<long long>(filled->tensors),
              static_cast<long long>(filled->bytes), filled->crc32);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: init_model MANIFEST [SEED [HOST:PORT]]\n");
    return 2;
  }
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 0;
  const absl::Status status = Run(argv[1], seed, argc > 3 ? argv[3] : nullptr);
  if (status.ok()) return 0;
  std::fprintf(stderr, "init_model: %s\n", status.ToString().c_str());
  return 1;
}
