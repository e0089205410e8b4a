#include "server/metrics/call_metrics.h"

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "proto/cpp/status_conversion.h"
#include "server/stream/call_observer.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using CounterFamily = prometheus::Family<prometheus::Counter>;

// Seconds. A call may take half a millisecond, or hours.
prometheus::Histogram::BucketBoundaries Buckets() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
          0.25,   0.5,   1,      2.5,   5,    10,    60,   600};
}

CounterFamily& Counters(prometheus::Registry* registry, const char* name,
                        const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(*registry);
}

// As go-grpc-prometheus writes them: "OK", "ResourceExhausted".
const char* CodeName(int code) {
  static constexpr const char* kNames[] = {"OK",
                                           "Canceled",
                                           "Unknown",
                                           "InvalidArgument",
                                           "DeadlineExceeded",
                                           "NotFound",
                                           "AlreadyExists",
                                           "PermissionDenied",
                                           "ResourceExhausted",
                                           "FailedPrecondition",
                                           "Aborted",
                                           "OutOfRange",
                                           "Unimplemented",
                                           "Internal",
                                           "Unavailable",
                                           "DataLoss",
                                           "Unauthenticated"};
  return kNames[code];
}

const google::protobuf::ServiceDescriptor* Service() {
  return v1::GetServerInfoRequest::descriptor()->file()->service(0);
}

}  // namespace

CallMetrics::CallMetrics(prometheus::Registry* registry) {
  CounterFamily& started =
      Counters(registry, "grpc_server_started_total", "Calls begun.");
  CounterFamily& received = Counters(registry, "grpc_server_msg_received_total",
                                     "Messages received.");
  CounterFamily& sent =
      Counters(registry, "grpc_server_msg_sent_total", "Messages sent.");
  CounterFamily& handled =
      Counters(registry, "grpc_server_handled_total", "Calls ended, by code.");
  auto& seconds = prometheus::BuildHistogram()
                      .Name("grpc_server_handling_seconds")
                      .Help("Seconds from the begin of a call to its end.")
                      .Register(*registry);
  for (int i = 0; i < Service()->method_count(); ++i) {
    const auto* const descriptor = Service()->method(i);
    const std::map<std::string, std::string> labels = {
        {"grpc_type",
         descriptor->server_streaming() ? "server_stream" : "unary"},
        {"grpc_service", std::string(Service()->full_name())},
        {"grpc_method", std::string(descriptor->name())}};
    Method& method = methods_[std::string(descriptor->name())];
    method.is_stream = descriptor->server_streaming();
    method.started = &started.Add(labels);
    method.received = &received.Add(labels);
    method.sent = &sent.Add(labels);
    method.seconds = &seconds.Add(labels, Buckets());
    for (int code = 0; code < kCodes; ++code) {
      auto with_code = labels;
      with_code["grpc_code"] = CodeName(code);
      method.handled[static_cast<size_t>(code)] = &handled.Add(with_code);
    }
  }

  CounterFamily& bytes =
      Counters(registry, "weightinit_bytes_total",
               "Bytes of weights sent; those of models have the labels model.");
  for (const auto& scheme : AllNamed<Scheme>()) {
    std::vector<prometheus::Counter*>& of_scheme = bytes_.emplace_back();
    for (const auto& dtype : AllNamed<Dtype>()) {
      of_scheme.push_back(&bytes.Add({{"scheme", std::string(scheme.name)},
                                      {"dtype", std::string(dtype.name)}}));
    }
  }
  model_bytes_ = &bytes.Add({{"scheme", "model"}, {"dtype", "model"}});
  rejections_ = &Counters(registry, "weightinit_rejections_total",
                          "Calls refused, by reason.");
}

void CallMetrics::OnBegin(const CallRecord& call) {
  const Method& method = MethodOf(call);
  method.started->Increment();
  method.received->Increment();
}

void CallMetrics::OnRefusal(const CallRecord& call, const absl::Status& why) {
  Handled(call, why.code());
  // Seldom, and of few reasons, so that the family may look the counter up.
  rejections_->Add({{"reason", absl::AsciiStrToLower(ReasonOf(why))}})
      .Increment();
}

void CallMetrics::OnProgress(const CallRecord& call, int64_t bytes) {
  MethodOf(call).sent->Increment();
  if (bytes > 0) BytesOf(call).Increment(static_cast<double>(bytes));
}

void CallMetrics::OnEnd(const CallRecord& call, absl::StatusCode code) {
  const Method& method = MethodOf(call);
  if (!method.is_stream) method.sent->Increment();
  Handled(call, code);
}

void CallMetrics::Handled(const CallRecord& call, absl::StatusCode code) {
  const Method& method = MethodOf(call);
  const auto index = static_cast<size_t>(code);
  method.handled[index < kCodes ? index : 2]->Increment();
  method.seconds->Observe(absl::ToDoubleSeconds(absl::Now() - call.begin));
}

const CallMetrics::Method& CallMetrics::MethodOf(const CallRecord& call) const {
  return methods_.at(call.method);
}

prometheus::Counter& CallMetrics::BytesOf(const CallRecord& call) const {
  if (!call.tensor.has_value()) return *model_bytes_;
  // Named values count from 1.
  const auto scheme = static_cast<size_t>(call.tensor->scheme) - 1;
  const auto dtype = static_cast<size_t>(call.tensor->dtype) - 1;
  return *bytes_.at(scheme).at(dtype);
}

}  // namespace weightinit
