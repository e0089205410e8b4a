// weightinit-bench-stream: the client side of every measurement over gRPC.
//
//   weightinit-bench-stream [MEMORY_BYTES]
//
// Reads commands from standard input, JSON objects of one line each, and
// answers each with a line: {"seconds": [...], ...} or {"error": "..."}. One
// process serves a whole run, so that its connections are warm and servers are
// compared under the same conditions. Commands, by their "measure":
//   info        {address}: the server's GetServerInfoResponse
//   raw         {address, request, streams, repeat}: receive a stream, or
//               `streams` of them at once, each on a connection of its own;
//               all of them share the memory in equal parts
//   client      {address, request, repeat}: WeightClient::Fetch into memory;
//               by TLS, where "ca" is a file of certificates
//   small       {address, request, count, in_flight}: many requests
//   first_byte  {addresses, request, idle_seconds, count}: from a call to its
//               first chunk in memory, on servers that take turns, so that each
//               was idle that long
//   stall       {address, request, streams}: open streams and stop reading;
//   with
//               "model": true, `request` is an InitializeModelRequest
//   release     {}: end those
// `request` is an InitializeTensorRequest in protobuf's JSON. With "crc32":
// true, raw and client add the CRC-32 of what lies in memory.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/receive_memory.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/sync_stream.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/crc32.h"
#include "tests/bench/command_loop.h"
#include "tests/bench/raw_stream.h"
#include "tests/bench/small_requests.h"
#include "tests/bench/touched_memory.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit::bench {
namespace {

using Json = nlohmann::json;

// A stream that is open and not read.
struct StalledStream {
  std::shared_ptr<grpc::Channel> channel;
  grpc::ClientContext context;
  // One of the two.
  std::unique_ptr<grpc::ClientReader<v1::InitializeTensorResponse>> tensor;
  std::unique_ptr<grpc::ClientReader<v1::InitializeModelResponse>> model;

  // Whether the first message came.
  bool Begin() const {
    v1::InitializeTensorResponse header;
    v1::InitializeModelResponse summary;
    return model != nullptr ? model->Read(&summary) : tensor->Read(&header);
  }

  grpc::Status End() const {
    return model != nullptr ? model->Finish() : tensor->Finish();
  }
};

// Carries out commands, one at a time.
class Measurements {
 public:
  explicit Measurements(size_t memory_bytes) : memory_(memory_bytes) {}
  ~Measurements() { Release(); }
  Measurements(const Measurements&) = delete;
  Measurements& operator=(const Measurements&) = delete;

  absl::StatusOr<Json> CarryOut(const Json& command) {
    const std::string measure = command.at("measure");
    if (measure == "info") return Info(command);
    if (measure == "raw") return Raw(command);
    if (measure == "client") return Client(command);
    if (measure == "small") return Small(command);
    if (measure == "first_byte") return FirstByte(command);
    if (measure == "stall") return Stall(command);
    if (measure == "release") {
      Release();
      return Json::object();
    }
    return absl::InvalidArgumentError("no such measure: " + measure);
  }

 private:
  // The `index`th connection to `address`.
  const std::shared_ptr<grpc::Channel>& Channel(const std::string& address,
                                                int index = 0) {
    auto& channel = channels_[{address, index}];
    if (channel == nullptr) channel = Connect(address);
    return channel;
  }

  static std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
    std::shared_ptr<grpc::Channel> channel = ConnectAlone(address);
    // gRPC 1.51 now and then takes a connection that is being made for one that
    // failed, and connects anew; calls do not wait for that.
    channel->WaitForConnected(std::chrono::system_clock::now() +
                              std::chrono::seconds(10));
    return channel;
  }

  template <typename Message = v1::InitializeTensorRequest>
  static absl::StatusOr<Message> Request(const Json& command) {
    Message request;
    const auto status = google::protobuf::util::JsonStringToMessage(
        command.at("request").dump(), &request);
    if (!status.ok()) return absl::InvalidArgumentError(status.ToString());
    return request;
  }

  uint32_t MemoryCrc32(int64_t bytes) const {
    return ExtendCrc32(0, memory_.span().first(static_cast<size_t>(bytes)));
  }

  static absl::StatusOr<Json> Info(const Json& command) {
    v1::WeightInitService::Stub stub(ConnectAlone(command.at("address")));
    grpc::ClientContext context;
    v1::GetServerInfoResponse info;
    const grpc::Status status =
        stub.GetServerInfo(&context, v1::GetServerInfoRequest(), &info);
    if (!status.ok()) return ToAbslStatus(status);
    return Json{{"version", info.version()},
                {"simd_target", info.simd_target()},
                {"grpc", grpc::Version()}};
  }

  absl::StatusOr<Json> Raw(const Json& command) {
    const auto request = Request(command);
    if (!request.ok()) return request.status();
    const int streams = command.value("streams", 1);
    Json seconds = Json::array();
    RawDelivery delivery;
    for (int i = 0; i < command.value("repeat", 1); ++i) {
      const auto start = Clock::now();
      const auto received =
          ReceiveAtOnce(command.at("address"), Serialize(*request), streams);
      seconds.push_back(SecondsSince(start));
      if (!received.ok()) return received.status();
      delivery = *received;
    }
    Json result = {{"seconds", seconds},
                   {"bytes", delivery.bytes},
                   {"chunks", delivery.chunks}};
    if (command.value("crc32", false)) {
      result["crc32"] = MemoryCrc32(delivery.bytes);
    }
    return result;
  }

  // Receives equal streams, each into a part of the memory; returns their sum.
  absl::StatusOr<RawDelivery> ReceiveAtOnce(const std::string& address,
                                            const grpc::ByteBuffer& request,
                                            int streams) {
    const auto count = static_cast<size_t>(streams);
    const size_t part = memory_.span().size() / count;
    std::vector<absl::StatusOr<RawDelivery>> deliveries(count);
    const auto receive = [&](size_t i) {
      deliveries[i] = ReceiveRaw(Channel(address, static_cast<int>(i)), request,
                                 memory_.span().subspan(i * part, part));
    };
    // The map of connections is not to change while threads use it.
    for (int i = 0; i < streams; ++i) Channel(address, i);
    std::vector<std::thread> others;
    for (size_t i = 1; i < count; ++i) others.emplace_back(receive, i);
    receive(0);
    for (std::thread& thread : others) thread.join();
    RawDelivery sum;
    for (const auto& delivery : deliveries) {
      if (!delivery.ok()) return delivery.status();
      sum.bytes += delivery->bytes;
      sum.chunks += delivery->chunks;
    }
    return sum;
  }

  absl::StatusOr<Json> Client(const Json& command) {
    const auto request = Request(command);
    if (!request.ok()) return request.status();
    auto& client = clients_[command.at("address")];
    if (client == nullptr) {
      WeightClientOptions options;
      options.servers = {command.at("address")};
      if (command.contains("ca")) {
        options.tls = TlsOptions{command.at("ca"), "", ""};
      }
      auto created = WeightClient::Create(options);
      if (!created.ok()) return created.status();
      client = *std::move(created);
    }
    Json seconds = Json::array();
    int64_t bytes = 0;
    for (int i = 0; i < command.value("repeat", 1); ++i) {
      const auto start = Clock::now();
      const auto fetched = client->Fetch(*request, memory_.span());
      seconds.push_back(SecondsSince(start));
      if (!fetched.ok()) return fetched.status();
      bytes = fetched->bytes;
    }
    Json result = {{"seconds", seconds}, {"bytes", bytes}};
    if (command.value("crc32", false)) result["crc32"] = MemoryCrc32(bytes);
    return result;
  }

  absl::StatusOr<Json> Small(const Json& command) {
    const auto request = Request(command);
    if (!request.ok()) return request.status();
    const grpc::ByteBuffer serialized = Serialize(*request);
    const auto start = Clock::now();
    const auto bytes =
        CallRepeatedly(Channel(command.at("address")), serialized,
                       command.at("count"), command.at("in_flight"));
    const double seconds = SecondsSince(start);
    if (!bytes.ok()) return bytes.status();
    return Json{{"seconds", {seconds}}, {"bytes", *bytes}};
  }

  absl::StatusOr<Json> FirstByte(const Json& command) {
    const auto request = Request(command);
    if (!request.ok()) return request.status();
    const grpc::ByteBuffer serialized = Serialize(*request);
    const std::vector<std::string> addresses = command.at("addresses");
    const int count = command.at("count");
    const auto idle = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(command.at("idle_seconds")));
    // Each by a new connection, which a server may be slower to notice than a
    // call. They follow each other at equal distances, so that the machine is
    // idle before each of them too. The first one to each server is not
    // counted.
    const int servers = static_cast<int>(addresses.size());
    std::vector<Clock::time_point> due(addresses.size(), Clock::now());
    for (int i = 0; i < servers; ++i) {
      due[static_cast<size_t>(i)] += idle * i / servers;
    }
    Json seconds = Json::array();
    for (int i = -servers; i < count; ++i) {
      const auto server = static_cast<size_t>((i + servers) % servers);
      std::this_thread::sleep_until(due[server]);
      const auto start = Clock::now();
      const std::shared_ptr<grpc::Channel> channel = Connect(addresses[server]);
      double first = 0;
      const auto received = ReceiveRaw(channel, serialized, memory_.span(),
                                       [&] { first = SecondsSince(start); });
      if (!received.ok()) return received.status();
      due[server] = Clock::now() + idle;
      if (i >= 0) seconds.push_back(first);
    }
    return Json{{"seconds", seconds}};
  }

  absl::StatusOr<Json> Stall(const Json& command) {
    const bool of_models = command.value("model", false);
    absl::StatusOr<v1::InitializeTensorRequest> tensor;
    absl::StatusOr<v1::InitializeModelRequest> model;
    if (of_models) {
      model = Request<v1::InitializeModelRequest>(command);
      if (!model.ok()) return model.status();
    } else {
      tensor = Request(command);
      if (!tensor.ok()) return tensor.status();
    }
    for (int i = 0; i < command.at("streams"); ++i) {
      auto& stalled = stalled_.emplace_back(std::make_unique<StalledStream>());
      stalled->channel = ConnectAlone(command.at("address"));
      v1::WeightInitService::Stub stub(stalled->channel);
      if (of_models) {
        stalled->model = stub.InitializeModel(&stalled->context, *model);
      } else {
        stalled->tensor = stub.InitializeTensor(&stalled->context, *tensor);
      }
      if (!stalled->Begin()) {
        absl::Status status = ToAbslStatus(stalled->End());
        stalled_.pop_back();
        return status;
      }
    }
    return Json::object();
  }

  void Release() {
    for (const auto& stalled : stalled_) {
      stalled->context.TryCancel();
      stalled->End();
    }
    stalled_.clear();
  }

  const TouchedMemory memory_;
  std::map<std::pair<std::string, int>, std::shared_ptr<grpc::Channel>>
      channels_;
  std::map<std::string, std::unique_ptr<WeightClient>> clients_;
  std::vector<std::unique_ptr<StalledStream>> stalled_;
};

int Main(int argc, char** argv) {
  uint64_t memory_bytes = uint64_t{256} << 20;
  if (argc > 2 || (argc == 2 && (!absl::SimpleAtoi(argv[1], &memory_bytes) ||
                                 memory_bytes == 0))) {
    std::cerr << "usage: weightinit-bench-stream [MEMORY_BYTES]\n";
    return 2;
  }
  // As WeightClient does: it steadies every measurement, and speeds all up.
  KeepReceiveMemory();
  Measurements measurements(memory_bytes);
  AnswerCommands(measurements);
  return 0;
}

}  // namespace
}  // namespace weightinit::bench

int main(int argc, char** argv) { return weightinit::bench::Main(argc, argv); }
