#include "client/cpp/status_conversion.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace weightinit {
namespace {

static_assert(static_cast<int>(absl::StatusCode::kCancelled) ==
              grpc::CANCELLED);
static_assert(static_cast<int>(absl::StatusCode::kInvalidArgument) ==
              grpc::INVALID_ARGUMENT);
static_assert(static_cast<int>(absl::StatusCode::kOutOfRange) ==
              grpc::OUT_OF_RANGE);
static_assert(static_cast<int>(absl::StatusCode::kUnavailable) ==
              grpc::UNAVAILABLE);
static_assert(static_cast<int>(absl::StatusCode::kDataLoss) == grpc::DATA_LOSS);
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              grpc::UNAUTHENTICATED);

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  std::string message = status.error_message();
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      google::rpc::BadRequest bad_request;
      if (!detail.UnpackTo(&bad_request)) continue;
      for (const auto& violation : bad_request.field_violations()) {
        if (absl::StrContains(message, violation.field()) &&
            absl::StrContains(message, violation.description())) {
          continue;
        }
        absl::StrAppend(&message, message.empty() ? "" : "\n",
                        violation.field(), ": ", violation.description());
      }
    }
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      message);
}

}  // namespace weightinit
