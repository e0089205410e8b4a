// What clients may take of a server, over real sockets.

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/cpp/status_conversion.h"
#include "server/server.h"
#include "tests/proto/cpp/error_details_of.h"
#include "tests/server/server_fixture.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

class StreamBoundsTest : public StreamFixture {};

TEST_F(StreamBoundsTest, StreamAboveTheLimitIsRefusedAndAFreedPlaceIsUsable) {
  ServerOptions options;
  options.admission.max_streams = 2;
  Start(options);
  StalledStream first(stub_.get(), LargeRequest());
  StalledStream second(stub_.get(), LargeRequest());
  const auto refused = FetchText("tensor { shape: 1 }");
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.status.error_message(), HasSubstr("serves 2 streams"));
  EXPECT_EQ(DetailsOf(refused.status).reason, "TOO_MANY_STREAMS");

  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(FetchText("tensor { shape: 1 }").status.ok());
  EXPECT_TRUE(second.Finish().ok());
}

TEST_F(StreamBoundsTest, ClientCannotTakeThePlacesOfOthers) {
  ServerOptions options;
  options.admission.max_streams_per_client = 1;
  options.listen = {"127.0.0.1:0", "unix:" + ::testing::TempDir() +
                                       "weightinit-share-" +
                                       std::to_string(getpid()) + ".sock"};
  Start(options);
  StalledStream first(stub_.get(), LargeRequest());
  const auto refused = FetchText("tensor { shape: 1 }").status;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(RetryDelayOf(FromGrpcStatus(refused)).has_value());
  EXPECT_EQ(DetailsOf(refused).reason, "TOO_MANY_STREAMS_OF_CLIENT");
  // All clients of a socket in the file system are one, and another one.
  const auto other =
      v1::WeightInitService::NewStub(Connect(server_->addresses()[1]));
  const auto served = Fetch(other.get(), ParseRequest("tensor { shape: 1 }"));
  EXPECT_TRUE(served.status.ok()) << served.status.error_message();
  EXPECT_TRUE(first.Finish().ok());
}

TEST_F(StreamBoundsTest, ClientThatDoesNotReadLosesItsPlaceAfterItsTime) {
  ServerOptions options;
  options.admission.max_streams = 1;
  options.patience.write_stall = absl::Milliseconds(300);
  Start(options);
  StalledStream stalled(stub_.get(), LargeRequest());
  const auto other =
      v1::WeightInitService::NewStub(Connect(server_->address()));
  EXPECT_TRUE(Eventually([&] {
    return Fetch(other.get(), ParseRequest("tensor { shape: 1 }")).status.ok();
  }));
  EXPECT_FALSE(stalled.Finish().ok());
  EXPECT_FALSE(stalled.delivery.trailer.has_value());
}

TEST_F(StreamBoundsTest, ChunksAreSmallerWhereMemoryIsShort) {
  ServerOptions options;
  options.admission.max_bytes_held = int64_t{1} << 20;
  Start(options);
  auto request = LargeRequest();
  request.set_chunk_bytes(2 << 20);
  const auto small = Fetch(stub_.get(), request);
  EXPECT_TRUE(small.status.ok()) << small.status.error_message();
  EXPECT_EQ(small.data.size(), 32U << 20);
  EXPECT_EQ(small.chunk_sizes.front(), 128U << 10);
  // Eight of the smallest chunks' streams would take it all.
  StalledStream first(stub_.get(), request);
  StalledStream second(stub_.get(), request);
  StalledStream third(stub_.get(), request);
  EXPECT_LE(server_->bytes_held(), int64_t{1} << 20);
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(second.Finish().ok());
  EXPECT_TRUE(third.Finish().ok());
}

TEST_F(StreamBoundsTest, StreamIsRefusedWhereNoMemoryIsLeft) {
  ServerOptions options;
  options.admission.max_bytes_held = int64_t{1} << 20;
  Start(options);
  struct Unread {
    grpc::ClientContext context;
    std::unique_ptr<TensorReaderStub> reader;
  };
  std::vector<std::unique_ptr<Unread>> streams;
  grpc::Status refused;
  while (refused.ok() && streams.size() < 20) {
    streams.push_back(std::make_unique<Unread>());
    Unread& stream = *streams.back();
    stream.reader = stub_->InitializeTensor(&stream.context, LargeRequest());
    v1::InitializeTensorResponse part;
    if (!stream.reader->Read(&part)) refused = stream.reader->Finish();
  }
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("of 1048576"));
  EXPECT_EQ(DetailsOf(refused).reason, "TOO_MANY_BYTES_HELD");
  for (const auto& stream : streams) stream->context.TryCancel();
  EXPECT_TRUE(Eventually([this] { return server_->bytes_held() == 0; }));
}

TEST_F(StreamBoundsTest, TensorOfAModelThatHoldsMoreThanMostEndsAtTheLimit) {
  // Of the second tensor 32 MiB are made before the first byte.
  const auto request = ParseRequest<v1::InitializeModelRequest>(
      R"pb(model {
             version: 1
             entries {
               name: "small"
               tensor { shape: 10 }
             }
             entries {
               name: "tall"
               tensor {
                 shape: [ 16384, 256 ]
                 scheme: SCHEME_ORTHOGONAL
                 dtype: DTYPE_FLOAT64
               }
             }
           })pb");
  for (const int64_t mebibytes : {40, 80}) {
    ServerOptions options;
    options.admission.max_bytes_held = mebibytes << 20;
    Start(options);
    grpc::ClientContext context;
    const auto reader = stub_->InitializeModel(&context, request);
    v1::InitializeModelResponse part;
    int64_t bytes = 0;
    while (reader->Read(&part)) {
      if (part.has_chunk()) {
        bytes += static_cast<int64_t>(part.chunk().data().size());
      }
    }
    const grpc::Status status = reader->Finish();
    if (mebibytes == 40) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_EQ(bytes, 40);
    } else {
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(bytes, 40 + (32 << 20));
    }
    EXPECT_TRUE(Eventually([this] { return server_->bytes_held() == 0; }));
  }
}

TEST_F(StreamBoundsTest, ClientThatHasSeenTheEndMayBeginTheNextStreamAtOnce) {
  ServerOptions options;
  options.admission.max_streams = 1;
  Start(options);
  for (int i = 0; i < 200; ++i) {
    const auto delivery = FetchText("tensor { shape: 1 }");
    ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
  }
}

TEST_F(StreamBoundsTest, RefusedRequestTakesNoPlace) {
  ServerOptions options;
  options.admission.max_streams = 1;
  Start(options);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(FetchText("tensor { shape: -1 }").status.error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_TRUE(FetchText("tensor { shape: 1 }").status.ok());
}

}  // namespace
}  // namespace weightinit
