// What a machine reads of an error.

#ifndef WEIGHTINIT_TESTS_PROTO_CPP_ERROR_DETAILS_OF_H_
#define WEIGHTINIT_TESTS_PROTO_CPP_ERROR_DETAILS_OF_H_

#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace weightinit {

// The details of an error: the reason, and the violated fields.
struct ErrorDetails {
  std::string reason;
  std::string domain;
  std::vector<std::string> fields;
  std::vector<std::string> descriptions;
};

inline ErrorDetails DetailsOf(const grpc::Status& status) {
  ErrorDetails result;
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_EQ(details.message(), status.error_message());
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (any.UnpackTo(&info)) {
      result.reason = info.reason();
      result.domain = info.domain();
    } else if (any.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) {
        result.fields.push_back(violation.field());
        result.descriptions.push_back(violation.description());
      }
    }
  }
  return result;
}

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_PROTO_CPP_ERROR_DETAILS_OF_H_
