#include "proto/cpp/error_details.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

// The message travels three times (as grpc-message, where a byte may become
// three, and inside the details), the violations once, and the details as
// base64: at most 3 * 600 + 4/3 * (600 + 2500 + a few) bytes, which is below 6
// KiB.
constexpr size_t kMaxMessageBytes = 600;
constexpr size_t kMaxViolationsBytes = 2500;

// `text`, or as much of its beginning as fits into `max_bytes` with an
// ellipsis. It never cuts inside a UTF-8 sequence.
std::string Shorten(absl::string_view text, size_t max_bytes) {
  constexpr absl::string_view kEllipsis = "...";
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return absl::StrCat(text.substr(0, end), kEllipsis);
}

std::string Describe(const Violation& violation) {
  if (violation.field.empty()) return violation.description;
  return absl::StrCat(violation.field, ": ", violation.description);
}

// "a: ...; b: ...; and 3 more"
std::string Summarize(const std::vector<Violation>& violations) {
  std::string summary;
  size_t said = 0;
  for (const Violation& violation : violations) {
    const std::string text = Describe(violation);
    if (said > 0 && (said == kMaxFieldViolations ||
                     summary.size() + text.size() > kMaxMessageBytes)) {
      break;
    }
    absl::StrAppend(&summary, said > 0 ? "; " : "",
                    Shorten(text, kMaxMessageBytes));
    ++said;
  }
  if (said < violations.size()) {
    absl::StrAppend(&summary, "; and ", violations.size() - said, " more");
  }
  return summary;
}

google::rpc::BadRequest BadRequestOf(const std::vector<Violation>& violations) {
  google::rpc::BadRequest bad_request;
  const size_t count = std::min(violations.size(), kMaxFieldViolations);
  const size_t share = kMaxViolationsBytes / count;
  for (size_t i = 0; i < count; ++i) {
    const std::string field = Shorten(violations[i].field, share / 2);
    auto* added = bad_request.add_field_violations();
    added->set_description(
        Shorten(violations[i].description, share - field.size()));
    added->set_field(field);
  }
  return bad_request;
}

void AddDetail(const google::protobuf::Message& detail,
               google::rpc::Status& details) {
  // It fails only for messages that lack a required field; proto3 has none.
  static_cast<void>(details.add_details()->PackFrom(detail));
}

}  // namespace

grpc::Status StatusWithDetails(grpc::StatusCode code, absl::string_view reason,
                               absl::string_view message,
                               const std::vector<Violation>& violations,
                               std::optional<absl::Duration> retry_delay) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(code));
  details.set_message(violations.empty() ? Shorten(message, kMaxMessageBytes)
                                         : Summarize(violations));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("weightinit");
  AddDetail(info, details);
  if (!violations.empty()) AddDetail(BadRequestOf(violations), details);
  if (retry_delay.has_value()) {
    google::rpc::RetryInfo retry;
    const int64_t nanoseconds = absl::ToInt64Nanoseconds(*retry_delay);
    retry.mutable_retry_delay()->set_seconds(nanoseconds / 1'000'000'000);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(nanoseconds % 1'000'000'000));
    AddDetail(retry, details);
  }
  return grpc::Status(code, details.message(), details.SerializeAsString());
}

}  // namespace weightinit
