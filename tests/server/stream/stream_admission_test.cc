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

namespace weightinit {
namespace {

using ::testing::HasSubstr;

TEST(StreamAdmissionTest, StreamAboveTheLimitIsRefusedWithTheLimit) {
  StreamAdmission admission(2);
  const auto first = admission.Admit();
  const auto second = admission.Admit();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(admission.active(), 2);
  const auto third = admission.Admit();
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(third.status().message()),
              HasSubstr("already serves 2 streams"));
}

TEST(StreamAdmissionTest, EndedStreamFreesItsPlaceOnce) {
  StreamAdmission admission(1);
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
  StreamAdmission admission(3, /*max_bytes=*/100);
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
    EXPECT_EQ(admission.bytes_held(), 70);
    const StreamAdmission::Ticket moved = *std::move(second);
    EXPECT_EQ(admission.bytes_held(), 70);
  }
  EXPECT_EQ(admission.bytes_held(), 70);
  first->FreePlace();
  EXPECT_EQ(admission.bytes_held(), 0);
}

TEST(StreamAdmissionTest, StreamThatFreedItsPlaceIsStillWaitedFor) {
  StreamAdmission admission(1);
  auto ticket = admission.Admit();
  ASSERT_TRUE(ticket.ok());
  ticket->FreePlace();
  EXPECT_FALSE(admission.WaitUntilIdle(absl::Now()));
}

TEST(StreamAdmissionTest, ClosedAdmissionRefusesAsUnavailable) {
  StreamAdmission admission(1);
  admission.Close();
  EXPECT_EQ(admission.Admit().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(admission.WaitUntilIdle(absl::Now()));
}

TEST(StreamAdmissionTest, WaitEndsWithTheLastStream) {
  StreamAdmission admission(1);
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
