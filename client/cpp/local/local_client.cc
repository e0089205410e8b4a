#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/fetch_errors.h"
#include "client/cpp/local/local_fetch.h"
#include "client/cpp/local/local_model_fetch.h"
#include "proto/cpp/description_conversion.h"
#include "proto/cpp/model_conversion.h"
#include "proto/cpp/request_conversion.h"
#include "proto/cpp/status_conversion.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/seed_name.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

constexpr int kMaxThreads = 1024;

absl::Status InvalidOption(absl::string_view name, absl::string_view value,
                           absl::string_view range) {
  return absl::InvalidArgumentError(absl::StrCat(
      "LocalOptions.", name, " is ", value, ", it has to be ", range));
}

absl::Status Validate(const LocalOptions& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return InvalidOption("threads", absl::StrCat(options.threads),
                         absl::StrCat("from 0 to ", kMaxThreads));
  }
  if (options.max_elements < 1 || options.max_elements > kMaxElementsCeiling) {
    return InvalidOption("max_elements", absl::StrCat(options.max_elements),
                         absl::StrCat("from 1 to ", kMaxElementsCeiling));
  }
  if (options.timeout <= absl::ZeroDuration()) {
    return InvalidOption("timeout", absl::FormatDuration(options.timeout),
                         "above 0");
  }
  return absl::OkStatus();
}

int ThreadsOf(const LocalOptions& options) {
  if (options.threads > 0) return options.threads;
  return static_cast<int>(
      std::clamp<unsigned>(std::thread::hardware_concurrency(), 1,
                           static_cast<unsigned>(kMaxThreads)));
}

class LocalClient final : public WeightClient {
 public:
  explicit LocalClient(const LocalOptions& options)
      : limits_{options.max_elements},
        threads_(ThreadsOf(options)),
        timeout_(options.timeout) {
    // Nobody else waits for the process.
    limits_.max_operations = std::numeric_limits<int64_t>::max();
  }

  absl::StatusOr<v1::TensorDescription> Describe(
      const v1::DescribeTensorRequest& request) override {
    const absl::StatusOr<TensorPlan> plan = Plan(request);
    if (!plan.ok()) return plan.status();
    v1::TensorDescription description;
    ToProto(*plan, &description);
    return description;
  }

  absl::StatusOr<uint64_t> ResolveSeed(const std::string& seed_name) override {
    if (seed_name.empty()) {
      return ViolationStatus(absl::StatusCode::kInvalidArgument,
                             {{"seed_name", "is required"}});
    }
    return SeedInForce(0, seed_name, nullptr);
  }

  absl::StatusOr<v1::GetServerInfoResponse> Info() override {
    v1::GetServerInfoResponse response;
    // Nothing bounds the calls at once.
    DescribeServer(limits_, std::numeric_limits<int32_t>::max(), &response);
    return response;
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    TensorSink& sink) override {
    return FetchTo(request, sink);
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    absl::Span<uint8_t> buffer) override {
    return FetchTo(request, buffer);
  }

  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    PieceSink& sink) override {
    return FetchTo(request, sink);
  }

  absl::StatusOr<v1::ModelSummary> DescribeModel(
      const v1::DescribeModelRequest& request,
      const std::function<absl::Status(const v1::ModelTensor&)>& visit)
      override {
    const auto plan = PlanModel(request);
    if (!plan.ok()) return plan.status();
    v1::ModelSummary summary;
    ToProto((*plan)->summary(), &summary);
    ModelTensors tensors(*plan);
    while (const std::optional<ModelTensor> tensor = tensors.Next()) {
      v1::ModelTensor description;
      ToProto(*tensor, &description);
      if (absl::Status status = visit(description); !status.ok()) return status;
    }
    return summary;
  }

  absl::StatusOr<ModelFetchResult> FetchModel(
      const v1::InitializeModelRequest& request, ModelSink& sink) override {
    const absl::Time deadline = absl::Now() + timeout_;
    auto plan = PlanModel(request);
    if (!plan.ok()) return plan.status();
    return FetchModelLocally(*std::move(plan), {threads_, deadline}, sink);
  }

 private:
  template <typename Request>
  absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanModel(
      const Request& request) const {
    auto plan = PlanOf(request, limits_, nullptr);
    if (!plan.ok()) return FromGrpcStatus(ToGrpcStatus(plan.status()));
    return plan;
  }

  template <typename Request>
  absl::StatusOr<TensorPlan> Plan(const Request& request) const {
    if (absl::Status status = CheckNames(request); !status.ok()) {
      return status;
    }
    absl::StatusOr<TensorPlan> plan = PlanOf(request, limits_);
    // What is too long for a call's answer is shortened here too.
    if (!plan.ok()) return FromGrpcStatus(ToGrpcStatus(plan.status()));
    return plan;
  }

  template <typename Destination>
  absl::StatusOr<FetchResult> FetchTo(
      const v1::InitializeTensorRequest& request,
      Destination&& destination) const {
    const absl::Time deadline = absl::Now() + timeout_;
    const absl::StatusOr<TensorPlan> plan = Plan(request);
    if (!plan.ok()) return plan.status();
    return FetchLocally(*plan, {threads_, deadline}, destination);
  }

  Limits limits_;
  const int threads_;
  const absl::Duration timeout_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WeightClient>> WeightClient::Local(
    const LocalOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return std::make_unique<LocalClient>(options);
}

}  // namespace weightinit
