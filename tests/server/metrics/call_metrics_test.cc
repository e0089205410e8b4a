#include "server/metrics/call_metrics.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"
#include "proto/cpp/status_conversion.h"
#include "server/stream/call_observer.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CallMetricsTest : public ::testing::Test {
 protected:
  static CallRecord Call(const char* method) {
    CallRecord call;
    call.method = method;
    call.begin = absl::Now();
    return call;
  }

  std::string Text() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

  // The line of a metric of a method, without its other labels.
  static std::string Line(const std::string& name, const std::string& method,
                          const std::string& type, int value) {
    return absl::StrCat(name, "grpc_method=\"", method,
                        "\",grpc_service=\"weightinit.v1.WeightInitService\","
                        "grpc_type=\"",
                        type, "\"} ", value, "\n");
  }

  prometheus::Registry registry_;
  CallMetrics metrics_{&registry_};
};

TEST_F(CallMetricsTest, StreamIsCountedAsItGoes) {
  CallRecord call = Call("InitializeTensor");
  metrics_.OnBegin(call);
  call.tensor = CallTensor{"w", {4}, Scheme::kHeNormal, Dtype::kBfloat16};
  metrics_.OnProgress(call, 0);
  metrics_.OnProgress(call, 300);
  const std::string before = Text();
  EXPECT_THAT(before, HasSubstr(Line("grpc_server_started_total{",
                                     "InitializeTensor", "server_stream", 1)));
  EXPECT_THAT(before, HasSubstr(Line("grpc_server_msg_sent_total{",
                                     "InitializeTensor", "server_stream", 2)));
  EXPECT_THAT(before, HasSubstr("weightinit_bytes_total{dtype=\"bfloat16\","
                                "scheme=\"he_normal\"} 300\n"));
  EXPECT_THAT(before, HasSubstr(Line("handled_total{grpc_code=\"OK\",",
                                     "InitializeTensor", "server_stream", 0)));
  metrics_.OnEnd(call, absl::StatusCode::kOk);
  EXPECT_THAT(Text(), HasSubstr(Line("handled_total{grpc_code=\"OK\",",
                                     "InitializeTensor", "server_stream", 1)));
  EXPECT_THAT(Text(), HasSubstr(Line("grpc_server_handling_seconds_count{",
                                     "InitializeTensor", "server_stream", 1)));
}

TEST_F(CallMetricsTest, CallOfOneAnswerHasSentOne) {
  const CallRecord call = Call("GetServerInfo");
  metrics_.OnBegin(call);
  metrics_.OnEnd(call, absl::StatusCode::kOk);
  EXPECT_THAT(Text(), HasSubstr(Line("grpc_server_msg_sent_total{",
                                     "GetServerInfo", "unary", 1)));
}

TEST_F(CallMetricsTest, BytesOfModelsAreOneFigure) {
  const CallRecord call = Call("InitializeModel");
  metrics_.OnProgress(call, 7);
  metrics_.OnProgress(call, 8);
  EXPECT_THAT(Text(), HasSubstr("weightinit_bytes_total{dtype=\"model\","
                                "scheme=\"model\"} 15\n"));
}

TEST_F(CallMetricsTest, RefusalsAreCountedByReason) {
  const CallRecord call = Call("InitializeTensor");
  const absl::Status full = absl::ResourceExhaustedError("full");
  metrics_.OnRefusal(call, WithReason(full, "TOO_MANY_STREAMS"));
  metrics_.OnRefusal(call, full);
  metrics_.OnRefusal(call, full);
  EXPECT_THAT(
      Text(),
      HasSubstr("weightinit_rejections_total{reason=\"too_many_streams\"} 1"));
  EXPECT_THAT(Text(),
              HasSubstr("weightinit_rejections_total{reason=\"too_large\"} 2"));
  EXPECT_THAT(Text(),
              HasSubstr(Line("handled_total{grpc_code=\"ResourceExhausted\",",
                             "InitializeTensor", "server_stream", 3)));
}

TEST_F(CallMetricsTest, NothingThatAClientChoseIsALabel) {
  CallRecord call = Call("InitializeTensor");
  call.client = "its-name";
  call.peer = "ipv4:10.1.2.3:4";
  call.identity.request_id = "its-request";
  metrics_.OnBegin(call);
  call.tensor = CallTensor{"its-tensor", {4}, Scheme::kZeros, Dtype::kFloat32};
  metrics_.OnProgress(call, 16);
  metrics_.OnEnd(call, absl::StatusCode::kCancelled);
  EXPECT_THAT(Text(), Not(HasSubstr("its-")));
  EXPECT_THAT(Text(), Not(HasSubstr("10.1.2.3")));
}

}  // namespace
}  // namespace weightinit
