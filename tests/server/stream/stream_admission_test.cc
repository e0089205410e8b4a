#include "server/stream/stream_admission.h"

#include <future>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/cpp/status_conversion.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

TEST(StreamAdmissionTest, StreamAboveTheLimitIsRefusedWithTheLimit) {
  StreamAdmission admission({2});
  const auto first = admission.Admit();
  const auto second = admission.Admit();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(admission.active(), 2);
  const auto third = admission.Admit();
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(third.status().message()),
              HasSubstr("already serves 2 streams"));
}

TEST(StreamAdmissionTest, RefusalForNowSaysWhenToAskAgain) {
  StreamAdmission admission({1});
  const auto first = admission.Admit();
  const auto second = admission.Admit();
  const auto delay = RetryDelayOf(second.status());
  ASSERT_TRUE(delay.has_value());
  EXPECT_GT(*delay, absl::ZeroDuration());
  admission.Close();
  EXPECT_FALSE(RetryDelayOf(admission.Admit().status()).has_value());
}

TEST(StreamAdmissionTest, ClientHasItsShareOfThePlaces) {
  StreamAdmission admission({3, /*max_streams_per_client=*/2});
  auto first = admission.Admit("a");
  const auto second = admission.Admit("a");
  ASSERT_TRUE(first.ok() && second.ok());
  const auto refused = admission.Admit("a");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("max_streams_per_client"));
  EXPECT_TRUE(admission.Admit("b").ok());
  first->FreePlace();
  EXPECT_TRUE(admission.Admit("a").ok());
}

TEST(StreamAdmissionTest, ElementsOfAllRequestsTogetherAreBounded) {
  AdmissionLimits limits;
  limits.max_requested_elements = 100;
  StreamAdmission admission(limits);
  auto first = admission.Admit();
  auto second = admission.Admit();
  ASSERT_TRUE(first.ok() && second.ok());
  // Alone it may be as large as any tensor.
  EXPECT_TRUE(first->RequestElements(1000).ok());
  EXPECT_EQ(second->RequestElements(1).code(),
            absl::StatusCode::kResourceExhausted);
  first->FreePlace();
  EXPECT_TRUE(second->RequestElements(60).ok());
  auto third = admission.Admit();
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->RequestElements(41).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(third->RequestElements(40).ok());
}

TEST(StreamAdmissionTest, EndedStreamFreesItsPlaceOnce) {
  StreamAdmission admission({1});
  {
    auto ticket = admission.Admit();
    ASSERT_TRUE(ticket.ok());
    StreamAdmission::Ticket moved = *std::move(ticket);
    moved.FreePlace();
    EXPECT_EQ(admission.active(), 0);
    EXPECT_TRUE(admission.Admit().ok());
  }
  EXPECT_EQ(admission.active(), 0);
}

TEST(StreamAdmissionTest, BytesThatStreamsMayHoldAreCountedUntilTheyEnd) {
  StreamAdmission admission({3, 3, /*max_bytes_held=*/100});
  auto first = admission.Admit();
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->HoldBytes(60).ok());
  EXPECT_TRUE(first->HoldBytes(10).ok());
  EXPECT_EQ(admission.bytes_held(), 70);
  {
    auto second = admission.Admit();
    ASSERT_TRUE(second.ok());
    const absl::Status status = second->HoldBytes(31);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("70 of 100"));
    EXPECT_TRUE(RetryDelayOf(status).has_value());
    // This has never room.
    const absl::Status larger = second->HoldBytes(101);
    EXPECT_EQ(larger.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_FALSE(RetryDelayOf(larger).has_value());
    EXPECT_EQ(admission.bytes_held(), 70);
    const StreamAdmission::Ticket moved = *std::move(second);
    EXPECT_EQ(admission.bytes_held(), 70);
  }
  EXPECT_EQ(admission.bytes_held(), 70);
  first->FreePlace();
  EXPECT_EQ(admission.bytes_held(), 0);
}

TEST(StreamAdmissionTest, StreamThatFreedItsPlaceIsStillWaitedFor) {
  StreamAdmission admission({1});
  auto ticket = admission.Admit();
  ASSERT_TRUE(ticket.ok());
  ticket->FreePlace();
  EXPECT_FALSE(admission.WaitUntilIdle(absl::Now()));
}

TEST(StreamAdmissionTest, ClosedAdmissionRefusesAsUnavailable) {
  StreamAdmission admission({1});
  admission.Close();
  EXPECT_EQ(admission.Admit().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(admission.WaitUntilIdle(absl::Now()));
}

TEST(StreamAdmissionTest, WaitEndsWithTheLastStream) {
  StreamAdmission admission({1});
  auto ticket = admission.Admit();
  ASSERT_TRUE(ticket.ok());
  std::promise<void> end;
  std::thread stream(
      [&end, held = *std::move(ticket)] { end.get_future().wait(); });
  EXPECT_FALSE(admission.WaitUntilIdle(absl::Now()));
  end.set_value();
  EXPECT_TRUE(admission.WaitUntilIdle(absl::Now() + absl::Minutes(1)));
  stream.join();
}

}  // namespace
}  // namespace weightinit
