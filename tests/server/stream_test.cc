// Streams of InitializeTensor over real sockets.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/server/server_fixture.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;

// The bytes of a whole He-normal tensor, straight from the core.
std::string CoreBytes(const std::string& name, std::vector<int64_t> shape,
                      uint64_t seed) {
  TensorRequest request;
  request.tensor.name = name;
  request.tensor.shape = std::move(shape);
  request.tensor.activation = Activation::kRelu;
  request.seed = seed;
  TensorReader reader(Resolve(request).value());
  std::string bytes(static_cast<size_t>(reader.plan().bytes), '\0');
  reader.Read(
      absl::MakeSpan(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  return bytes;
}

// The same tensor as a request.
v1::InitializeTensorRequest HeRequest(const std::string& name, int64_t rows,
                                      int64_t columns, uint64_t seed) {
  v1::InitializeTensorRequest request;
  request.mutable_tensor()->set_name(name);
  request.mutable_tensor()->add_shape(rows);
  request.mutable_tensor()->add_shape(columns);
  request.mutable_tensor()->set_activation(v1::ACTIVATION_RELU);
  request.set_seed(seed);
  return request;
}

class StreamTest : public StreamFixture {};

TEST_F(StreamTest, DeliversTheBytesOfTheCoreBetweenHeaderAndTrailer) {
  const auto delivery = Fetch(stub_.get(), HeRequest("w", 300, 700, 42));
  ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
  EXPECT_EQ(delivery.header->scheme(), v1::SCHEME_HE_NORMAL);
  EXPECT_EQ(delivery.data, CoreBytes("w", {300, 700}, 42));
  EXPECT_THAT(delivery.chunk_sizes,
              ElementsAre(262144, 262144, 262144, 840000 - 3 * 262144));
}

TEST_F(StreamTest, HeaderIsWhatDescribeTensorAnswers) {
  const auto request = HeRequest("w", 3, 7, 42);
  v1::DescribeTensorRequest describe;
  ASSERT_TRUE(describe.ParseFromString(request.SerializeAsString()));
  grpc::ClientContext context;
  v1::DescribeTensorResponse response;
  const auto status = stub_->DescribeTensor(&context, describe, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.description().SerializeAsString(),
            Fetch(stub_.get(), request).header->SerializeAsString());
}

TEST_F(StreamTest, ChunkSizeFramesTheStreamAndChangesNoByte) {
  auto request = HeRequest("w", 123, 321, 7);
  const std::string expected = CoreBytes("w", {123, 321}, 7);
  for (int32_t chunk_bytes : {64, 101, 4096, 65536, 2097152}) {
    request.set_chunk_bytes(chunk_bytes);
    const auto delivery = Fetch(stub_.get(), request);
    ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
    EXPECT_EQ(delivery.data, expected) << chunk_bytes;
    EXPECT_THAT(delivery.chunk_sizes, Each(Le(chunk_bytes)));
    EXPECT_EQ(
        delivery.chunk_sizes.front(),
        std::min<size_t>(static_cast<size_t>(chunk_bytes / 4) * 4, 157932));
  }
}

TEST_F(StreamTest, SliceIsTheSameRowsOfTheWhole) {
  auto request = HeRequest("w", 100, 50, 7);
  auto* rows = request.add_slice();
  rows->set_start(20);
  rows->set_stop(90);
  request.add_slice();
  const auto delivery = Fetch(stub_.get(), request);
  ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
  EXPECT_EQ(delivery.data,
            CoreBytes("w", {100, 50}, 7)
                .substr(size_t{20} * 50 * 4, size_t{70} * 50 * 4));
}

TEST_F(StreamTest, ResumedStreamGoesOnWhereTheFirstElementSays) {
  auto request = HeRequest("w", 20, 10, 7);
  request.set_chunk_bytes(64);
  const std::string whole = CoreBytes("w", {20, 10}, 7);
  for (int64_t first : {0, 1, 17, 199}) {
    request.set_first_element(first);
    const auto delivery = Fetch(stub_.get(), request);
    ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
    EXPECT_EQ(delivery.data, whole.substr(static_cast<size_t>(first) * 4));
  }
}

TEST_F(StreamTest, FirstElementAtTheEndDeliversNothing) {
  auto request = HeRequest("w", 20, 10, 7);
  request.set_first_element(200);
  const auto delivery = Fetch(stub_.get(), request);
  ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
  EXPECT_THAT(delivery.chunk_sizes, IsEmpty());
  EXPECT_EQ(delivery.trailer->crc32(), 0U);
}

TEST_F(StreamTest, FirstElementPastTheEndIsOutOfRange) {
  auto request = HeRequest("w", 20, 10, 7);
  request.set_first_element(201);
  const auto delivery = Fetch(stub_.get(), request);
  EXPECT_EQ(delivery.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_FALSE(delivery.header.has_value());
  const auto details = DetailsOf(delivery.status);
  EXPECT_EQ(details.reason, "FIRST_ELEMENT_PAST_END");
  EXPECT_THAT(details.fields, ElementsAre("first_element"));
}

TEST_F(StreamTest, ElementCountEndsTheStream) {
  auto request = HeRequest("w", 20, 10, 7);
  request.set_chunk_bytes(64);
  request.set_first_element(17);
  const std::string whole = CoreBytes("w", {20, 10}, 7);
  for (int64_t count : {0, 1, 40, 183}) {
    request.set_element_count(count);
    const auto delivery = Fetch(stub_.get(), request);
    ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
    EXPECT_EQ(delivery.data,
              whole.substr(size_t{17} * 4, static_cast<size_t>(count) * 4));
    EXPECT_EQ(delivery.trailer->elements(), count);
  }
}

TEST_F(StreamTest, ElementCountPastTheEndIsOutOfRange) {
  auto request = HeRequest("w", 20, 10, 7);
  request.set_first_element(17);
  request.set_element_count(184);
  const auto delivery = Fetch(stub_.get(), request);
  EXPECT_EQ(delivery.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  const auto details = DetailsOf(delivery.status);
  EXPECT_EQ(details.reason, "ELEMENT_COUNT_PAST_END");
  EXPECT_THAT(details.fields, ElementsAre("element_count"));
}

TEST_F(StreamTest, TensorWithoutElementsIsHeaderAndTrailer) {
  const auto delivery = FetchText("tensor { shape: 4 shape: 0 shape: 3 }");
  ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
  EXPECT_TRUE(delivery.header.has_value());
  EXPECT_THAT(delivery.chunk_sizes, IsEmpty());
}

TEST_F(StreamTest, ScalarIsOneElement) {
  const auto delivery =
      FetchText("tensor { scheme: SCHEME_ONES dtype: DTYPE_FLOAT64 }");
  ASSERT_TRUE(delivery.status.ok()) << delivery.status.error_message();
  EXPECT_THAT(delivery.chunk_sizes, ElementsAre(8));
}

TEST_F(StreamTest, ManyStreamsAtOnceOnOneGeneratorThreadAllComeThrough) {
  ServerOptions options;
  options.generator_threads = 1;
  Start(options);
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([this, c] {
      for (int i = 0; i < 5; ++i) {
        const std::string name = absl::StrCat("w", c, ".", i);
        auto request = HeRequest(name, 64, 100 + c, 1);
        request.set_chunk_bytes(1000);
        const auto delivery = Fetch(stub_.get(), request);
        EXPECT_TRUE(delivery.status.ok()) << delivery.status.error_message();
        EXPECT_EQ(delivery.data, CoreBytes(name, {64, 100 + c}, 1));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(Eventually([this] { return server_->buffers_in_use() == 0; }));
}

TEST_F(StreamTest, ClientThatDoesNotReadHoldsThreeChunks) {
  StalledStream stream(stub_.get(), LargeRequest());
  // Once the windows are full, no chunk leaves and none is computed any more.
  int in_a_row = 0;
  EXPECT_TRUE(Eventually([&] {
    in_a_row = server_->buffers_in_use() == 3 ? in_a_row + 1 : 0;
    return in_a_row == 20;
  }));
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_TRUE(Eventually([this] { return server_->buffers_in_use() == 0; }));
}

TEST_F(StreamTest, CancelledStreamGivesBackItsPlaceAndItsBuffers) {
  StalledStream stream(stub_.get(), LargeRequest());
  EXPECT_EQ(server_->active_streams(), 1);
  stream.context.TryCancel();
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([this] {
    return server_->active_streams() == 0 && server_->buffers_in_use() == 0;
  }));
}

TEST_F(StreamTest, StreamThatIsReadIsCancelledWithinAChunk) {
  grpc::ClientContext context;
  const auto reader = stub_->InitializeTensor(
      &context, ParseRequest("tensor { shape: 1099511627776"
                             "  scheme: SCHEME_ZEROS }"));
  v1::InitializeTensorResponse part;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(reader->Read(&part));
  context.TryCancel();
  EXPECT_TRUE(Eventually([this] {
    return server_->active_streams() == 0 && server_->buffers_in_use() == 0;
  }));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(StreamTest, ClientThatVanishesGivesBackItsPlace) {
  {
    auto other = v1::WeightInitService::NewStub(Connect(server_->address()));
    StalledStream stream(other.get(), LargeRequest());
    EXPECT_EQ(server_->active_streams(), 1);
  }
  EXPECT_TRUE(Eventually([this] {
    return server_->active_streams() == 0 && server_->buffers_in_use() == 0;
  }));
}

TEST_F(StreamTest, DeadlineEndsAStream) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(300));
  // More than can be sent in that time.
  const auto reader = stub_->InitializeTensor(
      &context, ParseRequest("tensor { shape: 1099511627776"
                             "  scheme: SCHEME_ZEROS }"));
  v1::InitializeTensorResponse part;
  while (reader->Read(&part)) {
    EXPECT_FALSE(part.has_trailer());
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(Eventually([this] {
    return server_->active_streams() == 0 && server_->buffers_in_use() == 0;
  }));
}

TEST_F(StreamTest, TwoServersDeliverTheSameBytes) {
  const auto other_server = StartServer();
  const auto other =
      v1::WeightInitService::NewStub(Connect(other_server->address()));
  const auto request = HeRequest("w", 100, 100, 3);
  EXPECT_EQ(Fetch(stub_.get(), request).data, Fetch(other.get(), request).data);
}

}  // namespace
}  // namespace weightinit
