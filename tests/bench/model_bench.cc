// weightinit-bench-model: models by the client library, in the process or from
// a server.
//
//   weightinit-bench-model MEMORY_BYTES
//
// Reads commands from standard input, JSON objects of one line each, and
// answers each with a line: {"seconds": [...], ...} or {"error": "..."}.
// Commands, by their "measure":
//   model     {manifest, address, repeat}: WeightClient::FetchModel into
//             buffers, which share the memory
//   tensor    {elements, address, repeat}: WeightClient::Fetch of one bfloat16
//             normal tensor into the memory
//   describe  {manifest, repeat}: WeightClient::DescribeModel
// `manifest` is a path. An `address` of "" is the process itself, on all cores;
// WEIGHTINIT_TARGET forces its instruction set.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "tests/bench/command_loop.h"
#include "tests/bench/touched_memory.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/model_buffers.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

// Buffers begin at whole cache lines, as those of allocators do.
constexpr int64_t kAlignment = 64;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Carries out commands, one at a time.
class Measurements {
 public:
  explicit Measurements(size_t memory_bytes) : memory_(memory_bytes) {}

  absl::StatusOr<Json> CarryOut(const Json& command) {
    const std::string measure = command.at("measure");
    if (measure == "model") return Model(command);
    if (measure == "tensor") return Tensor(command);
    if (measure == "describe") return Describe(command);
    return absl::InvalidArgumentError("no such measure: " + measure);
  }

 private:
  absl::StatusOr<WeightClient*> Client(const std::string& address) {
    auto& client = clients_[address];
    if (client == nullptr) {
      WeightClientOptions options;
      options.servers = {address};
      auto created = address.empty() ? WeightClient::Local()
                                     : WeightClient::Create(options);
      if (!created.ok()) return created.status();
      client = *std::move(created);
    }
    return client.get();
  }

  // The memory cut into buffers for the tensors of a model.
  absl::StatusOr<ModelBuffers> Buffers(WeightClient& client,
                                       const v1::ModelSpec& model) const {
    v1::DescribeModelRequest request;
    *request.mutable_model() = model;
    ModelBuffers buffers;
    absl::Span<uint8_t> rest = memory_.span();
    const auto summary =
        client.DescribeModel(request, [&](const v1::ModelTensor& tensor) {
          const v1::TensorDescription& description = tensor.description();
          if (!tensor.alias_of().empty()) return absl::OkStatus();
          const auto bytes = static_cast<size_t>(
              (description.bytes() + kAlignment - 1) / kAlignment * kAlignment);
          if (bytes > rest.size()) {
            return absl::ResourceExhaustedError(
                "the model is larger than the memory");
          }
          buffers[description.name()] =
              rest.first(static_cast<size_t>(description.bytes()));
          rest.remove_prefix(bytes);
          return absl::OkStatus();
        });
    if (!summary.ok()) return summary.status();
    return buffers;
  }

  absl::StatusOr<Json> Model(const Json& command) {
    const auto client = Client(command.at("address"));
    if (!client.ok()) return client.status();
    v1::InitializeModelRequest request;
    auto model = ReadManifest(command.at("manifest"));
    if (!model.ok()) return model.status();
    *request.mutable_model() = *std::move(model);
    const auto buffers = Buffers(**client, request.model());
    if (!buffers.ok()) return buffers.status();
    Json seconds = Json::array();
    Json result;
    for (int i = 0; i < command.value("repeat", 1); ++i) {
      const auto start = Clock::now();
      const auto fetched = (*client)->FetchModel(request, *buffers);
      seconds.push_back(SecondsSince(start));
      if (!fetched.ok()) return fetched.status();
      result = {{"bytes", fetched->bytes},
                {"tensors", fetched->tensors},
                {"crc32", fetched->crc32}};
    }
    result["seconds"] = seconds;
    return result;
  }

  absl::StatusOr<Json> Tensor(const Json& command) {
    const auto client = Client(command.at("address"));
    if (!client.ok()) return client.status();
    v1::InitializeTensorRequest request;
    request.mutable_tensor()->set_name("bench.weight");
    request.mutable_tensor()->add_shape(command.at("elements"));
    request.mutable_tensor()->set_scheme(v1::SCHEME_NORMAL);
    request.mutable_tensor()->set_dtype(v1::DTYPE_BFLOAT16);
    Json seconds = Json::array();
    int64_t bytes = 0;
    for (int i = 0; i < command.value("repeat", 1); ++i) {
      const auto start = Clock::now();
      const auto fetched = (*client)->Fetch(request, memory_.span());
      seconds.push_back(SecondsSince(start));
      if (!fetched.ok()) return fetched.status();
      bytes = fetched->bytes;
    }
    return Json{{"seconds", seconds}, {"bytes", bytes}};
  }

  absl::StatusOr<Json> Describe(const Json& command) {
    const auto client = Client("");
    if (!client.ok()) return client.status();
    auto model = ReadManifest(command.at("manifest"));
    if (!model.ok()) return model.status();
    v1::DescribeModelRequest request;
    *request.mutable_model() = *std::move(model);
    Json seconds = Json::array();
    int64_t tensors = 0;
    for (int i = 0; i < command.value("repeat", 1); ++i) {
      tensors = 0;
      const auto start = Clock::now();
      const auto summary =
          (*client)->DescribeModel(request, [&](const v1::ModelTensor&) {
            ++tensors;
            return absl::OkStatus();
          });
      seconds.push_back(SecondsSince(start));
      if (!summary.ok()) return summary.status();
    }
    return Json{{"seconds", seconds}, {"tensors", tensors}};
  }

  const TouchedMemory memory_;
  std::map<std::string, std::unique_ptr<WeightClient>> clients_;
};

int Main(int argc, char** argv) {
  uint64_t memory_bytes = 0;
  if (argc != 2 || !absl::SimpleAtoi(argv[1], &memory_bytes) ||
      memory_bytes == 0) {
    std::cerr << "usage: weightinit-bench-model MEMORY_BYTES\n";
    return 2;
  }
  const char* const target = std::getenv("WEIGHTINIT_TARGET");
  if (const absl::Status status =
          ForceSimdTarget(target != nullptr ? target : "");
      !status.ok()) {
    std::cerr << "weightinit-bench-model: " << status.message() << "\n";
    return 2;
  }
  Measurements measurements(memory_bytes);
  AnswerCommands(measurements);
  return 0;
}

}  // namespace
}  // namespace weightinit::bench

int main(int argc, char** argv) {
  // Out of memory, most likely.
  try {
    return weightinit::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "weightinit-bench-model: " << error.what() << "\n";
    return 1;
  }
}
