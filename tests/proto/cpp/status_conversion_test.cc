#include "proto/cpp/status_conversion.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "tests/proto/cpp/error_details_of.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::Le;
using ::testing::SizeIs;

TEST(StatusConversionTest, ErrorCarriesItsReasonAndViolations) {
  const auto status = ToGrpcStatus(ViolationStatus(
      absl::StatusCode::kOutOfRange, {{"first_element", "is 9"}}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(status.error_message(), "first_element: is 9");
  const auto details = DetailsOf(status);
  EXPECT_EQ(details.domain, "weightinit");
  EXPECT_EQ(details.reason, "FIRST_ELEMENT_PAST_END");
  EXPECT_THAT(details.fields, ElementsAre("first_element"));
  EXPECT_THAT(details.descriptions, ElementsAre("is 9"));
}

TEST(StatusConversionTest, ReasonTellsWhichFieldIsOutOfRange) {
  const auto details = DetailsOf(ToGrpcStatus(ViolationStatus(
      absl::StatusCode::kOutOfRange, {{"element_count", "is 9"}})));
  EXPECT_EQ(details.reason, "ELEMENT_COUNT_PAST_END");
}

TEST(StatusConversionTest, ErrorWithoutViolationsHasNoBadRequest) {
  const auto details = DetailsOf(ToGrpcStatus(
      WithRetryDelay(absl::ResourceExhaustedError("full"), absl::Seconds(1))));
  EXPECT_EQ(details.reason, "NO_MEMORY");
  EXPECT_THAT(details.fields, SizeIs(0));
}

TEST(StatusConversionTest, ReasonOfAnErrorComesBeforeThatOfItsCode) {
  const absl::Status full = WithReason(
      WithRetryDelay(absl::ResourceExhaustedError("full"), absl::Seconds(1)),
      "TOO_MANY_STREAMS");
  EXPECT_EQ(ReasonOf(full), "TOO_MANY_STREAMS");
  EXPECT_EQ(DetailsOf(ToGrpcStatus(full)).reason, "TOO_MANY_STREAMS");
  EXPECT_TRUE(IsFull(ToGrpcStatus(full)));
}

TEST(StatusConversionTest, ViolationsAboveSixteenAreCounted) {
  std::vector<Violation> violations;
  for (int i = 0; i < 40; ++i) {
    violations.push_back({absl::StrCat("f", i), "bad"});
  }
  const auto status = ToGrpcStatus(
      ViolationStatus(absl::StatusCode::kInvalidArgument, violations));
  EXPECT_THAT(DetailsOf(status).fields, SizeIs(16));
  EXPECT_THAT(status.error_message(), EndsWith("f15: bad; and 24 more"));
}

TEST(StatusConversionTest, LongErrorsFitIntoTheMetadataOfAnyClient) {
  // Three-byte characters, which must not be cut in the middle.
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\xE2\x82\xAC";
  const std::vector<Violation> violations(20, {"tensor.name", text});
  const auto status = ToGrpcStatus(
      ViolationStatus(absl::StatusCode::kInvalidArgument, violations));
  const auto details = DetailsOf(status);
  EXPECT_THAT(details.fields, SizeIs(16));
  EXPECT_THAT(details.descriptions, Each(EndsWith("\xE2\x82\xAC...")));
  EXPECT_THAT(status.error_message(), EndsWith("; and 19 more"));
  EXPECT_THAT(
      status.error_details().size() * 4 / 3 + 3 * status.error_message().size(),
      Le(7000U));
}

TEST(StatusConversionTest, RetryDelayTravelsAsRetryInfo) {
  const absl::Status full = WithRetryDelay(absl::ResourceExhaustedError("full"),
                                           absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelayOf(full), absl::Milliseconds(1500));
  const grpc::Status sent = ToGrpcStatus(full);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(sent.error_details()));
  google::rpc::RetryInfo retry;
  bool found = false;
  for (const auto& detail : details.details()) {
    found = found || detail.UnpackTo(&retry);
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
  const absl::Status received = FromGrpcStatus(sent);
  EXPECT_EQ(received.message(), "full");
  EXPECT_EQ(RetryDelayOf(received), absl::Milliseconds(1500));
}

TEST(StatusConversionTest, OnlyWhatMayHaveRoomLaterIsFull) {
  const absl::Status error = absl::ResourceExhaustedError("4 of 2 bytes");
  EXPECT_EQ(DetailsOf(ToGrpcStatus(error)).reason, "TOO_LARGE");
  EXPECT_FALSE(IsFull(ToGrpcStatus(error)));
  EXPECT_TRUE(IsFull(ToGrpcStatus(WithRetryDelay(error, absl::Seconds(1)))));
  EXPECT_FALSE(IsFull(ToGrpcStatus(
      WithRetryDelay(absl::UnavailableError("bye"), absl::Seconds(1)))));
  // Of other programs than ours.
  const auto said = [](const char* message) {
    return grpc::Status(grpc::RESOURCE_EXHAUSTED, message);
  };
  EXPECT_TRUE(IsFull(said("rate limit")));
  EXPECT_FALSE(IsFull(said("Received message larger than max (9 vs. 4)")));
  EXPECT_FALSE(IsFull(said("received initial metadata size exceeds limit")));
}

TEST(StatusConversionTest, ErrorWithoutARetryDelayHasNone) {
  const absl::Status error = absl::ResourceExhaustedError("too large");
  EXPECT_FALSE(RetryDelayOf(error).has_value());
  EXPECT_FALSE(RetryDelayOf(FromGrpcStatus(ToGrpcStatus(error))).has_value());
}

TEST(StatusConversionTest, RetryDelayOfAServerIsAnHourAtMostAndNotBelowZero) {
  for (const int64_t seconds : {int64_t{-5}, int64_t{1} << 40}) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(seconds);
    google::rpc::Status details;
    ASSERT_TRUE(details.add_details()->PackFrom(retry));
    const absl::Status received =
        FromGrpcStatus(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                    "full", details.SerializeAsString()));
    EXPECT_EQ(RetryDelayOf(received),
              seconds < 0 ? absl::ZeroDuration() : absl::Hours(1));
  }
}

}  // namespace
}  // namespace weightinit
