#include "proto/cpp/status_conversion.h"

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/cpp/error_details.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

// Why, in the terms of google.rpc.ErrorInfo.
absl::string_view ReasonOf(absl::StatusCode code,
                           const std::vector<Violation>& violations) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "INVALID_REQUEST";
    case absl::StatusCode::kOutOfRange:
      return !violations.empty() && violations[0].field == "element_count"
                 ? "ELEMENT_COUNT_PAST_END"
                 : "FIRST_ELEMENT_PAST_END";
    case absl::StatusCode::kResourceExhausted:
      return "TOO_MANY_STREAMS";
    case absl::StatusCode::kFailedPrecondition:
      return "NO_ROOT_SEED";
    case absl::StatusCode::kUnavailable:
      return "SHUTTING_DOWN";
    default:
      return "INTERNAL";
  }
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  const std::vector<Violation> violations = GetViolations(status);
  return StatusWithDetails(static_cast<grpc::StatusCode>(status.code()),
                           ReasonOf(status.code(), violations),
                           status.message(), violations);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  std::string message = status.error_message();
  std::vector<Violation> violations;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
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
  return converted;
}

}  // namespace weightinit
