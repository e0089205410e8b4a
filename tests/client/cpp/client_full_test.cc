// Servers that have no room for a call.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/cpp/status_conversion.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/fake_service.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kAlways = 1'000'000;

grpc::Status Full(absl::Duration delay) {
  return ToGrpcStatus(
      WithRetryDelay(absl::ResourceExhaustedError("no room"), delay));
}

TEST(ClientFullTest, TheNextServerIsAsked) {
  FakeServer full;
  full.service().RefuseNext(kAlways, Full(absl::Hours(1)));
  FakeServer idle;
  const auto client = ClientOf({full.address(), idle.address()});
  CollectingSink sink;
  const auto result = client->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(full.service().refused(), 1);
  // Later calls begin there.
  EXPECT_TRUE(client->Info().ok());
  EXPECT_EQ(full.service().refused(), 1);
}

TEST(ClientFullTest, CallsOfOneAnswerAskTheNextServerToo) {
  FakeServer full;
  full.service().RefuseNext(kAlways, Full(absl::Hours(1)));
  FakeServer idle;
  v1::DescribeTensorRequest request;
  request.mutable_tensor()->add_shape(7);
  const auto client = ClientOf({full.address(), idle.address()});
  const auto description = client->Describe(request);
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->elements(), 7);
}

TEST(ClientFullTest, AStreamThatLosesItsPlaceGoesOnAtTheNextServer) {
  FakeServer first(
      {[](FakeStream& s) { s.BreakAfter(2, Full(absl::Hours(1))); }});
  FakeServer second;
  CollectingSink sink;
  const auto result =
      ClientOf({first.address(), second.address()})->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  EXPECT_EQ(result->resumed, 1);
}

TEST(ClientFullTest, IfAllAreFullTheFirstToHaveRoomIsAskedAgain) {
  constexpr absl::Duration kDelay = absl::Milliseconds(20);
  FakeServer late;
  late.service().RefuseNext(kAlways, Full(absl::Hours(1)));
  FakeServer soon;
  soon.service().RefuseNext(3, Full(kDelay));
  const absl::Time begin = absl::Now();
  CollectingSink sink;
  // One attempt is enough where servers answer.
  WeightClientOptions options = FastOptions({late.address(), soon.address()});
  options.max_attempts_without_progress = 1;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(late.service().refused(), 1);
  EXPECT_EQ(soon.service().refused(), 3);
  EXPECT_GE(absl::Now() - begin, 3 * kDelay);
}

TEST(ClientFullTest, AServerThatDoesNotSayWhenIsAskedAfterAPause) {
  FakeServer server;
  server.service().RefuseNext(3, {grpc::RESOURCE_EXHAUSTED, "rate limit"});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(server.service().refused(), 3);
}

TEST(ClientFullTest, WithoutATimeoutItWaitsAsLongAsTheOptionsSay) {
  FakeServer first;
  first.service().RefuseNext(kAlways, Full(absl::Milliseconds(1)));
  FakeServer second;
  second.service().RefuseNext(kAlways, Full(absl::Milliseconds(2)));
  WeightClientOptions options =
      FastOptions({first.address(), second.address()});
  options.max_wait_when_full = absl::Milliseconds(50);
  CollectingSink sink;
  const auto result = (*WeightClient::Create(options))->Fetch(Request(), sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(result.status().message()),
              AllOf(HasSubstr("no server had room within 50ms"),
                    HasSubstr(absl::StrCat(first.address(), ": no room")),
                    HasSubstr(absl::StrCat(second.address(), ": no room"))));
  EXPECT_GT(first.service().refused(), 1);
}

TEST(ClientFullTest, ItDoesNotWaitForWhatIsTooLate) {
  FakeServer server;
  server.service().RefuseNext(kAlways, Full(absl::Hours(1)));
  for (const bool with_timeout : {false, true}) {
    WeightClientOptions options = FastOptions({server.address()});
    if (with_timeout) options.timeout = absl::Minutes(2);
    const auto result = (*WeightClient::Create(options))->Info();
    EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(
        std::string(result.status().message()),
        HasSubstr(with_timeout ? "within the timeout of 2m: " : "within 1m: "));
  }
  EXPECT_EQ(server.service().refused(), 2);
}

TEST(ClientFullTest, EachServerIsAskedHoweverShortTheWait) {
  FakeServer full;
  full.service().RefuseNext(kAlways, Full(absl::ZeroDuration()));
  FakeServer idle;
  WeightClientOptions options = FastOptions({full.address(), idle.address()});
  options.max_wait_when_full = absl::ZeroDuration();
  const auto result = (*WeightClient::Create(options))->Info();
  EXPECT_TRUE(result.ok()) << result.status();
}

TEST(ClientFullTest, AServerThatIsNotReachedDoesNotEndTheWait) {
  const RefusingPort refusing;
  FakeServer server;
  server.service().RefuseNext(5, Full(absl::Milliseconds(5)));
  WeightClientOptions options =
      FastOptions({refusing.address(), server.address()});
  options.max_attempts_without_progress = 1;
  const auto result = (*WeightClient::Create(options))->Info();
  EXPECT_TRUE(result.ok()) << result.status();
}

TEST(ClientFullTest, ACallThatIsTooLargeIsNotMadeAgain) {
  const std::vector<grpc::Status> refusals = {
      ToGrpcStatus(absl::ResourceExhaustedError("9 bytes of 4")),
      {grpc::RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)"}};
  for (const grpc::Status& refusal : refusals) {
    FakeServer server;
    server.service().RefuseNext(kAlways, refusal);
    const auto result = ClientOf({server.address()})->Info();
    EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(result.status().message()),
                Not(HasSubstr("no server had room")));
    EXPECT_EQ(server.service().refused(), 1);
  }
}

}  // namespace
}  // namespace weightinit
