// A server of the test's own on a free port, and what a client sees of it.

#ifndef WEIGHTINIT_TESTS_SERVER_SERVER_FIXTURE_H_
#define WEIGHTINIT_TESTS_SERVER_SERVER_FIXTURE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "server/server.h"
#include "tests/proto/cpp/error_details_of.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {

// A connection that no other channel of the process shares.
inline std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

inline std::unique_ptr<Server> StartServer(ServerOptions options = {}) {
  if (options.listen == ServerOptions().listen) {
    options.listen = {"127.0.0.1:0"};
  }
  auto server = Server::Start(options);
  if (!server.ok()) {
    ADD_FAILURE() << server.status();
    return nullptr;
  }
  return *std::move(server);
}

// A root seed of 32 equal bytes.
inline std::shared_ptr<const RootSeed> RootSeedOf(char byte) {
  return std::make_shared<const RootSeed>(
      *RootSeed::FromBytes(std::string(kMinRootSeedBytes, byte)));
}

template <typename Request = v1::InitializeTensorRequest>
Request ParseRequest(const std::string& text) {
  Request request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
      << text;
  return request;
}

// Whether `condition` comes true; asks it until it does, for a minute at most.
template <typename Condition>
bool Eventually(const Condition& condition) {
  for (int attempt = 0; attempt < 6000; ++attempt) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

inline uint32_t Crc32(const std::string& data) {
  return ExtendCrc32(
      0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(data.data()),
                             data.size()));
}

// A stream as its client sees it, checked for order and checksums on the way.
struct Delivery {
  std::optional<v1::TensorDescription> header;
  std::vector<size_t> chunk_sizes;
  std::string data;
  std::optional<v1::TensorTrailer> trailer;
  grpc::Status status;
};

using TensorReaderStub = grpc::ClientReader<v1::InitializeTensorResponse>;

// Reads what remains of a stream into `delivery`, and its status.
inline void ReadRest(TensorReaderStub* reader, Delivery* delivery) {
  v1::InitializeTensorResponse part;
  int64_t next_element = -1;
  while (reader->Read(&part)) {
    EXPECT_FALSE(delivery->trailer.has_value()) << "a part after the trailer";
    if (part.has_header()) {
      EXPECT_FALSE(delivery->header.has_value()) << "a second header";
      EXPECT_TRUE(delivery->data.empty()) << "a header after a chunk";
      delivery->header = part.header().description();
    } else if (part.has_chunk()) {
      const v1::TensorChunk& chunk = part.chunk();
      EXPECT_TRUE(delivery->header.has_value()) << "a chunk before the header";
      EXPECT_FALSE(chunk.data().empty());
      EXPECT_EQ(chunk.crc32(), Crc32(chunk.data()));
      const auto element_bytes =
          delivery->header->bytes() / delivery->header->elements();
      if (next_element >= 0) {
        EXPECT_EQ(chunk.first_element(), next_element);
      }
      next_element = chunk.first_element() +
                     static_cast<int64_t>(chunk.data().size()) / element_bytes;
      delivery->chunk_sizes.push_back(chunk.data().size());
      delivery->data += chunk.data();
    } else if (part.has_trailer()) {
      delivery->trailer = part.trailer();
    } else {
      ADD_FAILURE() << "a part that is none of the three";
    }
  }
  delivery->status = reader->Finish();
  if (delivery->status.ok()) {
    ASSERT_TRUE(delivery->trailer.has_value());
    EXPECT_EQ(delivery->trailer->crc32(), Crc32(delivery->data));
    EXPECT_EQ(delivery->trailer->bytes(), delivery->data.size());
    EXPECT_EQ(delivery->header->bytes(), delivery->data.size());
    EXPECT_EQ(delivery->trailer->elements(), delivery->header->elements());
  }
}

inline Delivery Fetch(v1::WeightInitService::Stub* stub,
                      const v1::InitializeTensorRequest& request) {
  grpc::ClientContext context;
  const auto reader = stub->InitializeTensor(&context, request);
  Delivery delivery;
  ReadRest(reader.get(), &delivery);
  return delivery;
}

// A stream whose client has read the header and then stops reading.
struct StalledStream {
  explicit StalledStream(v1::WeightInitService::Stub* stub,
                         const v1::InitializeTensorRequest& request) {
    reader = stub->InitializeTensor(&context, request);
    v1::InitializeTensorResponse part;
    EXPECT_TRUE(reader->Read(&part));
    EXPECT_TRUE(part.has_header());
    delivery.header = part.header().description();
  }

  // The client reads on.
  const grpc::Status& Finish() {
    ReadRest(reader.get(), &delivery);
    return delivery.status;
  }

  grpc::ClientContext context;
  std::unique_ptr<TensorReaderStub> reader;
  Delivery delivery;
};

// Zeros that no socket buffer or flow control window can hold: 32 MiB.
inline v1::InitializeTensorRequest LargeRequest() {
  return ParseRequest("tensor { shape: 8388608 scheme: SCHEME_ZEROS }");
}

// A server with options, and a stub of it.
class StreamFixture : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(const ServerOptions& options) {
    stub_.reset();
    server_ = StartServer(options);
    ASSERT_NE(server_, nullptr);
    stub_ = v1::WeightInitService::NewStub(Connect(server_->address()));
  }

  Delivery FetchText(const std::string& text) {
    return Fetch(stub_.get(), ParseRequest(text));
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::WeightInitService::Stub> stub_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_SERVER_SERVER_FIXTURE_H_
