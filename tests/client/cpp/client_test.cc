#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/fake_service.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ClientTest, CorrectStreamIsDelivered) {
  FakeServer server;
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(sink.headers, 1);
  EXPECT_EQ(result->crc32, FakeCrc32(sink.data));
  EXPECT_EQ(result->elements, kElements);
  EXPECT_EQ(result->bytes, kElements * 4);
  EXPECT_EQ(result->resumed, 0);
  EXPECT_EQ(result->description.name(), "fc1.weight");
}

TEST(ClientTest, FirstElementIsTheFirstDelivered) {
  FakeServer server;
  v1::InitializeTensorRequest request = Request();
  request.set_first_element(37);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(37, kElements));
  EXPECT_EQ(result->elements, kElements - 37);
}

TEST(ClientTest, ElementCountIsAsManyAsAreDelivered) {
  FakeServer server;
  v1::InitializeTensorRequest request = Request();
  request.set_first_element(37);
  request.set_element_count(20);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(37, 57));
  EXPECT_EQ(result->elements, 20);
}

TEST(ClientTest, ElementCountOfZeroIsHeaderAndTrailer) {
  FakeServer server;
  v1::InitializeTensorRequest request = Request();
  request.set_element_count(0);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.headers, 1);
  EXPECT_EQ(sink.pieces, 0);
}

TEST(ClientTest, EmptyTensorIsHeaderAndTrailer) {
  FakeServer server;
  v1::InitializeTensorRequest request = Request();
  request.mutable_tensor()->set_shape(0, 0);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.headers, 1);
  EXPECT_EQ(sink.pieces, 0);
  EXPECT_EQ(result->crc32, 0u);
}

TEST(ClientTest, BufferHoldsTheTensor) {
  FakeServer server;
  std::vector<uint8_t> buffer(kElements * 4 + 3, 0xee);
  const auto result =
      ClientOf({server.address()})->Fetch(Request(), absl::MakeSpan(buffer));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(std::string(buffer.begin(), buffer.end() - 3),
            FakeData(0, kElements));
  EXPECT_THAT(std::vector<uint8_t>(buffer.end() - 3, buffer.end()),
              ElementsAre(0xee, 0xee, 0xee));
}

TEST(ClientTest, BufferHoldsChunksThatComeInSeveralSlices) {
  // Chunks of an odd size, which gRPC receives in several slices.
  static constexpr int64_t kLarge = 250000, kChunk = 100001;
  FakeServer server({[](FakeStream& s) {
    const v1::InitializeTensorResponse trailer = s.parts.back();
    s.parts.resize(1);
    for (int64_t at = 0; at < kLarge; at += kChunk) {
      const std::string data = FakeData(at, std::min(at + kChunk, kLarge));
      v1::TensorChunk& chunk = *s.parts.emplace_back().mutable_chunk();
      chunk.set_first_element(at);
      chunk.set_crc32(FakeCrc32(data));
      chunk.set_data(data);
    }
    s.parts.push_back(trailer);
  }});
  v1::InitializeTensorRequest request = Request();
  request.mutable_tensor()->clear_shape();
  request.mutable_tensor()->add_shape(kLarge);
  std::string buffer(kLarge * 4, '\0');
  const absl::Span<uint8_t> bytes(reinterpret_cast<uint8_t*>(buffer.data()),
                                  buffer.size());
  const auto result = ClientOf({server.address()})->Fetch(request, bytes);
  ASSERT_TRUE(result.ok()) << result.status();
  const std::string expected = FakeData(0, kLarge);
  EXPECT_TRUE(buffer == expected);
  EXPECT_EQ(result->crc32, FakeCrc32(expected));
}

TEST(ClientTest, AsksForChunksOfTheOptionsWhereTheRequestLeavesThemOpen) {
  FakeServer server;
  WeightClientOptions options = FastOptions({server.address()});
  options.chunk_bytes = 4096;
  const auto client = *WeightClient::Create(options);
  v1::InitializeTensorRequest request = Request();
  CollectingSink open;
  ASSERT_TRUE(client->Fetch(request, open).ok());
  request.set_chunk_bytes(256);
  CollectingSink named;
  ASSERT_TRUE(client->Fetch(request, named).ok());
  ASSERT_THAT(server.service().requests(), SizeIs(2));
  EXPECT_EQ(server.service().requests()[0].chunk_bytes(), 4096);
  EXPECT_EQ(server.service().requests()[1].chunk_bytes(), 256);
}

TEST(ClientTest, BufferTooSmallStaysUntouched) {
  FakeServer server;
  const std::vector<uint8_t> before(kElements * 4 - 1, 0xee);
  std::vector<uint8_t> buffer = before;
  const auto result =
      ClientOf({server.address()})->Fetch(Request(), absl::MakeSpan(buffer));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()),
              AllOf(HasSubstr("399"), HasSubstr("400")));
  EXPECT_EQ(buffer, before);
}

class OtherCodeTest : public ::testing::TestWithParam<grpc::StatusCode> {};

TEST_P(OtherCodeTest, IsReturnedAsItIs) {
  FakeServer server({[](FakeStream& s) {
    s.BreakAfter(1, {GetParam(), "in its own words"});
  }});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  EXPECT_EQ(static_cast<int>(result.status().code()),
            static_cast<int>(GetParam()));
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("in its own words"));
  EXPECT_THAT(server.service().requests(), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(All, OtherCodeTest,
                         ::testing::Values(grpc::CANCELLED,
                                           grpc::INVALID_ARGUMENT,
                                           grpc::OUT_OF_RANGE,
                                           grpc::UNIMPLEMENTED, grpc::INTERNAL,
                                           grpc::PERMISSION_DENIED));

TEST(ClientTest, ViolationsAreNamedInTheMessage) {
  google::rpc::BadRequest bad_request;
  const auto add = [&bad_request](const char* field, const char* description) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  };
  add("tensor.shape[1]", "is -3; must be at least 0");
  add("seed", "is told already");
  google::rpc::Status details;
  details.set_code(grpc::INVALID_ARGUMENT);
  ASSERT_TRUE(details.add_details()->PackFrom(bad_request));
  FakeServer server({[&details](FakeStream& s) {
    s.parts.clear();
    s.status = grpc::Status(grpc::INVALID_ARGUMENT, "seed: is told already",
                            details.SerializeAsString());
  }});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  EXPECT_TRUE(absl::IsInvalidArgument(result.status()));
  EXPECT_EQ(
      result.status().message(),
      "seed: is told already\ntensor.shape[1]: is -3; must be at least 0");
  // Programs find them one by one.
  const std::vector<Violation> violations = GetViolations(result.status());
  ASSERT_EQ(violations.size(), 2U);
  EXPECT_EQ(violations[0].field, "tensor.shape[1]");
  EXPECT_EQ(violations[1].description, "is told already");
}

TEST(ClientTest, ErrorOfTheSinkEndsTheFetch) {
  FakeServer server;
  // A code that would be tried again if it came from the server.
  CollectingSink sink(2, absl::UnavailableError("the disk is full"));
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("the disk is full"));
  EXPECT_EQ(sink.data, FakeData(0, 2 * kFakeChunkElements));
  EXPECT_THAT(server.service().requests(), SizeIs(1));
}

TEST(ClientTest, DeadlineEndsAStalledStream) {
  absl::Notification fetched;
  FakeServer server({[&fetched](FakeStream& s) {
    s.BreakAfter(1, grpc::Status::OK);
    s.before_end = [&fetched] { fetched.WaitForNotification(); };
  }});
  WeightClientOptions options = FastOptions({server.address()});
  options.timeout = absl::Milliseconds(300);
  CollectingSink sink;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  fetched.Notify();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(sink.data, FakeData(0, kFakeChunkElements));
}

TEST(ClientTest, TimeoutEndsTheWaitForAServer) {
  const RefusingPort refusing;
  WeightClientOptions options = FastOptions({refusing.address()});
  // The first pause would end after the timeout, so that nothing waits for
  // either.
  options.timeout = absl::Seconds(30);
  options.initial_backoff = options.max_backoff = absl::Hours(1);
  const auto result = (*WeightClient::Create(options))->Info();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(
      std::string(result.status().message()),
      AllOf(HasSubstr("timeout of 30s"), HasSubstr(refusing.address())));
}

struct BadOptions {
  std::string name;
  std::function<void(WeightClientOptions&)> change;
};

void PrintTo(const BadOptions& bad, std::ostream* out) { *out << bad.name; }

class BadOptionsTest : public ::testing::TestWithParam<BadOptions> {};

TEST_P(BadOptionsTest, AreNamed) {
  WeightClientOptions options = FastOptions({"127.0.0.1:1"});
  GetParam().change(options);
  const auto client = WeightClient::Create(options);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(client.status().message()),
              HasSubstr(GetParam().name));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadOptionsTest,
    ::testing::Values(
        BadOptions{"servers", [](auto& o) { o.servers.clear(); }},
        BadOptions{"servers", [](auto& o) { o.servers = {"127.0.0.1"}; }},
        BadOptions{"servers", [](auto& o) { o.servers = {":1"}; }},
        BadOptions{"servers", [](auto& o) { o.servers = {"127.0.0.1:0"}; }},
        BadOptions{"servers", [](auto& o) { o.servers = {"127.0.0.1:65536"}; }},
        BadOptions{"servers", [](auto& o) { o.servers = {"unix:"}; }},
        BadOptions{
            "servers",
            [](auto& o) { o.servers = {"unix:" + std::string(108, 'p')}; }},
        BadOptions{"chunk_bytes", [](auto& o) { o.chunk_bytes = 63; }},
        BadOptions{"chunk_bytes", [](auto& o) { o.chunk_bytes = 2097153; }},
        BadOptions{"chunk_bytes", [](auto& o) { o.chunk_bytes = -1; }},
        BadOptions{"max_attempts_without_progress",
                   [](auto& o) { o.max_attempts_without_progress = 0; }},
        BadOptions{"initial_backoff",
                   [](auto& o) { o.initial_backoff = absl::ZeroDuration(); }},
        BadOptions{"max_backoff",
                   [](auto& o) { o.max_backoff = absl::ZeroDuration(); }},
        BadOptions{"max_wait_when_full",
                   [](auto& o) { o.max_wait_when_full = absl::Seconds(-1); }},
        BadOptions{"keepalive_time",
                   [](auto& o) { o.keepalive_time = absl::ZeroDuration(); }},
        BadOptions{"keepalive_timeout",
                   [](auto& o) { o.keepalive_timeout = absl::ZeroDuration(); }},
        BadOptions{"stall_timeout",
                   [](auto& o) { o.stall_timeout = absl::ZeroDuration(); }},
        BadOptions{"connect_timeout",
                   [](auto& o) { o.connect_timeout = absl::ZeroDuration(); }},
        BadOptions{"timeout",
                   [](auto& o) { o.timeout = absl::ZeroDuration(); }}));

}  // namespace
}  // namespace weightinit
