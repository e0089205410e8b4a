#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/fake_service.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ClientResumeTest, BrokenStreamIsResumedOnTheNextServer) {
  FakeServer first({[](FakeStream& s) { s.BreakAfter(3, Unavailable()); }});
  FakeServer second;
  CollectingSink sink;
  const auto result =
      ClientOf({first.address(), second.address()})->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(sink.headers, 1);
  EXPECT_EQ(result->resumed, 1);
  EXPECT_EQ(result->crc32, FakeCrc32(sink.data));
  EXPECT_EQ(result->elements, kElements);
  EXPECT_EQ(result->description.elements(), kElements);
  EXPECT_THAT(first.service().requests(), SizeIs(1));
  ASSERT_THAT(second.service().requests(), SizeIs(1));
  EXPECT_EQ(second.service().requests()[0].first_element(),
            3 * kFakeChunkElements);
}

TEST(ClientResumeTest, ResumeCountsFromTheRequestsFirstElement) {
  FakeServer server({[](FakeStream& s) { s.BreakAfter(2, Unavailable()); }});
  v1::InitializeTensorRequest request = Request();
  request.set_first_element(5);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(5, kElements));
  ASSERT_THAT(server.service().requests(), SizeIs(2));
  EXPECT_EQ(server.service().requests()[1].first_element(), 37);
}

TEST(ClientResumeTest, ResumedStreamAsksForTheRestOfTheElementCount) {
  FakeServer server({[](FakeStream& s) { s.BreakAfter(2, Unavailable()); }});
  v1::InitializeTensorRequest request = Request();
  request.set_first_element(5);
  request.set_element_count(50);
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(5, 55));
  ASSERT_THAT(server.service().requests(), SizeIs(2));
  EXPECT_EQ(server.service().requests()[1].first_element(), 37);
  EXPECT_EQ(server.service().requests()[1].element_count(), 18);
}

TEST(ClientResumeTest, BufferIsFilledByHoweverManyStreams) {
  FakeServer server({[](FakeStream& s) { s.BreakAfter(2, Unavailable()); },
                     [](FakeStream& s) { s.BreakAfter(3, Unavailable()); }});
  std::vector<uint8_t> buffer(kElements * 4);
  const auto result =
      ClientOf({server.address()})->Fetch(Request(), absl::MakeSpan(buffer));
  ASSERT_TRUE(result.ok()) << result.status();
  const std::string expected = FakeData(0, kElements);
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()), expected);
  EXPECT_EQ(result->resumed, 2);
  EXPECT_EQ(result->crc32, FakeCrc32(expected));
}

TEST(ClientResumeTest, ResetStreamIsResumed) {
  FakeServer server({[](FakeStream& s) {
    s.BreakAfter(1, {grpc::INTERNAL, "Received RST_STREAM with error code 2"});
  }});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
}

TEST(ClientResumeTest, StreamBrokenBeforeItsTrailerIsResumedAtTheEnd) {
  FakeServer server({[](FakeStream& s) { s.BreakAfter(7, Unavailable()); }});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  ASSERT_THAT(server.service().requests(), SizeIs(2));
  EXPECT_EQ(server.service().requests()[1].first_element(), kElements);
}

TEST(ClientResumeTest, AttemptsWithProgressAreNotBounded) {
  const std::vector<FakeService::Script> scripts(
      7, [](FakeStream& s) { s.BreakAfter(1, Unavailable()); });
  FakeServer server(scripts);
  WeightClientOptions options = FastOptions({server.address()});
  options.max_attempts_without_progress = 1;
  CollectingSink sink;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(result->resumed, 7);
}

TEST(ClientResumeTest, AttemptsWithoutProgressAreBounded) {
  const auto nothing = [](FakeStream& s) { s.BreakAfter(0, Unavailable()); };
  FakeServer server({[](FakeStream& s) { s.BreakAfter(1, Unavailable()); },
                     nothing, nothing, nothing, nothing});
  WeightClientOptions options = FastOptions({server.address()});
  options.max_attempts_without_progress = 3;
  CollectingSink sink;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(
      std::string(result.status().message()),
      AllOf(HasSubstr("gave up after 3 attempts"), HasSubstr("scripted break"),
            HasSubstr("after 16 of 100 elements")));
  EXPECT_THAT(server.service().requests(), SizeIs(4));
}

TEST(ClientResumeTest, EveryServerIsTriedHoweverFewAttemptsAreAllowed) {
  const RefusingPort refusing;
  FakeServer server;
  WeightClientOptions options =
      FastOptions({refusing.address(), refusing.address(), server.address()});
  options.max_attempts_without_progress = 1;
  const auto client = *WeightClient::Create(options);
  CollectingSink sink;
  EXPECT_TRUE(client->Fetch(Request(), sink).ok());
}

TEST(ClientResumeTest, UnaryCallsMoveOnToTheNextServer) {
  const RefusingPort refusing;
  FakeServer server;
  const auto client = ClientOf({refusing.address(), server.address()});
  v1::DescribeTensorRequest request;
  request.mutable_tensor()->add_shape(7);
  const auto description = client->Describe(request);
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->elements(), 7);
  const auto info = client->Info();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->version(), "fake");
}

TEST(ClientResumeTest, OneClientServesManyThreads) {
  FakeServer first({[](FakeStream& s) { s.BreakAfter(2, Unavailable()); }});
  FakeServer second({[](FakeStream& s) { s.BreakAfter(1, Unavailable()); }});
  const auto client = ClientOf({first.address(), second.address()});
  std::vector<CollectingSink> sinks(4);
  std::vector<std::thread> threads;
  threads.reserve(sinks.size());
  for (CollectingSink& sink : sinks) {
    threads.emplace_back([&client, &sink] {
      const auto result = client->Fetch(Request(), sink);
      EXPECT_TRUE(result.ok()) << result.status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const CollectingSink& sink : sinks) {
    EXPECT_EQ(sink.data, FakeData(0, kElements));
  }
}

}  // namespace
}  // namespace weightinit
