#include "proto/cpp/status_conversion.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/cpp/error_details.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

constexpr absl::string_view kRetryDelay = "weightinit/retry_delay";
constexpr absl::string_view kReason = "weightinit/reason";

// The reason of a call that no waiting helps.
constexpr absl::string_view kTooLarge = "TOO_LARGE";

// At least 0, and an hour at most, whatever a server says.
absl::Duration DurationOf(const google::rpc::RetryInfo& retry) {
  const absl::Duration delay = absl::Seconds(retry.retry_delay().seconds()) +
                               absl::Nanoseconds(retry.retry_delay().nanos());
  return std::min(std::max(delay, absl::ZeroDuration()), absl::Hours(1));
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  const std::vector<Violation> violations = GetViolations(status);
  return StatusWithDetails(static_cast<grpc::StatusCode>(status.code()),
                           ReasonOf(status), status.message(), violations,
                           RetryDelayOf(status));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  std::string message = status.error_message();
  std::vector<Violation> violations;
  std::optional<absl::Duration> delay;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      google::rpc::RetryInfo retry;
      if (detail.UnpackTo(&retry)) delay = DurationOf(retry);
      google::rpc::BadRequest bad_request;
      if (!detail.UnpackTo(&bad_request)) continue;
      for (const auto& violation : bad_request.field_violations()) {
        violations.push_back({violation.field(), violation.description()});
        // What is cut in one place may be longer in the other.
        if (absl::StrContains(message, violation.field()) &&
            absl::StrContains(
                message, absl::StripSuffix(violation.description(), "..."))) {
          continue;
        }
        absl::StrAppend(&message, message.empty() ? "" : "\n",
                        violation.field(), ": ", violation.description());
      }
    }
  }
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  absl::Status converted(code, message);
  if (!violations.empty() && code != absl::StatusCode::kOk) {
    ViolationStatus(code, violations)
        .ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
          converted.SetPayload(type, payload);
        });
  }
  if (delay.has_value() && code != absl::StatusCode::kOk) {
    return WithRetryDelay(std::move(converted), *delay);
  }
  return converted;
}

bool IsFull(const grpc::Status& status) {
  if (status.error_code() != grpc::RESOURCE_EXHAUSTED) return false;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      google::rpc::ErrorInfo info;
      if (detail.UnpackTo(&info) && info.reason() == kTooLarge) return false;
    }
  }
  // gRPC's own words for a message or metadata above its limits.
  return !absl::StrContains(status.error_message(), "larger than max") &&
         !absl::StrContains(status.error_message(), "metadata size exceeds");
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryDelay, absl::Cord(absl::FormatDuration(delay)));
  return status;
}

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  status.SetPayload(kReason, absl::Cord(reason));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReason);
  if (payload.has_value()) return std::string(*payload);
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return "INVALID_REQUEST";
    case absl::StatusCode::kOutOfRange: {
      const std::vector<Violation> violations = GetViolations(status);
      return !violations.empty() && violations[0].field == "element_count"
                 ? "ELEMENT_COUNT_PAST_END"
                 : "FIRST_ELEMENT_PAST_END";
    }
    case absl::StatusCode::kResourceExhausted:
      return RetryDelayOf(status).has_value() ? "NO_MEMORY"
                                              : std::string(kTooLarge);
    case absl::StatusCode::kFailedPrecondition:
      return "NO_ROOT_SEED";
    case absl::StatusCode::kUnavailable:
      return "SHUTTING_DOWN";
    case absl::StatusCode::kUnauthenticated:
      return "NO_CREDENTIAL";
    case absl::StatusCode::kPermissionDenied:
      return "NO_ROLE";
    default:
      return "INTERNAL";
  }
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryDelay);
  absl::Duration delay;
  if (!payload.has_value() ||
      !absl::ParseDuration(std::string(*payload), &delay)) {
    return std::nullopt;
  }
  return delay;
}

}  // namespace weightinit
