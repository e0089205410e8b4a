#include "server/convert.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "proto/cpp/description_conversion.h"
#include "proto/cpp/model_conversion.h"
#include "proto/cpp/request_conversion.h"
#include "server/name_check.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/seed_name.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

void FillTrailer(int64_t elements, int64_t bytes, uint32_t crc32,
                 v1::TensorTrailer* trailer) {
  trailer->set_elements(elements);
  trailer->set_bytes(bytes);
  trailer->set_crc32(crc32);
}

// The bytes of a request, which is nearly always one slice.
bool GetBytes(const grpc::ByteBuffer& buffer, grpc::Slice* bytes) {
  return buffer.Valid() && (buffer.TrySingleSlice(bytes).ok() ||
                            buffer.DumpToSingleSlice(bytes).ok());
}

template <typename Request>
absl::StatusOr<Request> Parse(const grpc::ByteBuffer& wire) {
  Request proto;
  grpc::Slice bytes;
  const bool received = GetBytes(wire, &bytes);
  if (received) {
    const std::vector<Violation> violations = StringsNotUtf8(
        {reinterpret_cast<const char*>(bytes.begin()), bytes.size()},
        *Request::descriptor());
    if (!violations.empty()) {
      return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
    }
  }
  if (!received ||
      !proto.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()))) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument,
                           {{"", absl::StrCat("the request is not a valid ",
                                              Request::descriptor()->name())}});
  }
  return proto;
}

template <typename Request>
auto Plan(const grpc::ByteBuffer& wire, const Limits& limits,
          const RootSeed* root_seed)
    -> decltype(PlanOf(Request(), limits, root_seed)) {
  const absl::StatusOr<Request> request = Parse<Request>(wire);
  if (!request.ok()) return request.status();
  return PlanOf(*request, limits, root_seed);
}

}  // namespace

absl::StatusOr<TensorPlan> PlanInitializeTensor(const grpc::ByteBuffer& request,
                                                const Limits& limits,
                                                const RootSeed* root_seed) {
  return Plan<v1::InitializeTensorRequest>(request, limits, root_seed);
}

absl::StatusOr<TensorPlan> PlanDescribeTensor(const grpc::ByteBuffer& request,
                                              const Limits& limits,
                                              const RootSeed* root_seed) {
  return Plan<v1::DescribeTensorRequest>(request, limits, root_seed);
}

absl::StatusOr<NamedSeed> ResolveSeed(const grpc::ByteBuffer& request,
                                      const RootSeed* root_seed) {
  absl::StatusOr<v1::ResolveSeedRequest> proto =
      Parse<v1::ResolveSeedRequest>(request);
  if (!proto.ok()) return proto.status();
  if (proto->seed_name().empty()) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument,
                           {{"seed_name", "is required"}});
  }
  const absl::StatusOr<uint64_t> seed =
      SeedInForce(0, proto->seed_name(), root_seed);
  if (!seed.ok()) return seed.status();
  return NamedSeed{std::move(*proto->mutable_seed_name()), *seed};
}

grpc::ByteBuffer SerializeSeed(const NamedSeed& seed) {
  v1::ResolveSeedResponse response;
  response.set_seed(seed.seed);
  response.set_seed_name(seed.name);
  return Serialize(response);
}

absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanInitializeModel(
    const grpc::ByteBuffer& request, const Limits& limits,
    const RootSeed* root_seed) {
  return Plan<v1::InitializeModelRequest>(request, limits, root_seed);
}

absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanDescribeModel(
    const grpc::ByteBuffer& request, const Limits& limits,
    const RootSeed* root_seed) {
  return Plan<v1::DescribeModelRequest>(request, limits, root_seed);
}

grpc::ByteBuffer SerializeDescription(const TensorPlan& plan) {
  v1::DescribeTensorResponse response;
  ToProto(plan, response.mutable_description());
  return Serialize(response);
}

grpc::ByteBuffer SerializeHeader(const TensorPlan& plan) {
  v1::InitializeTensorResponse response;
  ToProto(plan, response.mutable_header()->mutable_description());
  return Serialize(response);
}

grpc::ByteBuffer SerializeTrailer(int64_t elements, int64_t bytes,
                                  uint32_t crc32) {
  v1::InitializeTensorResponse response;
  FillTrailer(elements, bytes, crc32, response.mutable_trailer());
  return Serialize(response);
}

grpc::ByteBuffer SerializeModelSummary(const ModelSummary& summary) {
  v1::InitializeModelResponse response;
  ToProto(summary, response.mutable_summary());
  return Serialize(response);
}

grpc::ByteBuffer SerializeModelTensor(const ModelTensor& tensor) {
  v1::InitializeModelResponse response;
  ToProto(tensor, response.mutable_tensor());
  return Serialize(response);
}

grpc::ByteBuffer SerializeTensorTrailer(int64_t elements, int64_t bytes,
                                        uint32_t crc32) {
  v1::InitializeModelResponse response;
  FillTrailer(elements, bytes, crc32, response.mutable_trailer());
  return Serialize(response);
}

grpc::ByteBuffer SerializeModelTrailer(int64_t tensors, int64_t bytes,
                                       uint32_t crc32) {
  v1::InitializeModelResponse response;
  v1::ModelTrailer* const trailer = response.mutable_model_trailer();
  trailer->set_tensors(tensors);
  trailer->set_bytes(bytes);
  trailer->set_crc32(crc32);
  return Serialize(response);
}

grpc::ByteBuffer SerializeDescribedSummary(const ModelSummary& summary) {
  v1::DescribeModelResponse response;
  ToProto(summary, response.mutable_summary());
  return Serialize(response);
}

DescribedTensors::DescribedTensors()
    : response_(std::make_unique<v1::DescribeModelResponse>()) {}
DescribedTensors::~DescribedTensors() = default;

void DescribedTensors::Add(const ModelTensor& tensor) {
  v1::ModelTensor* const added = response_->mutable_tensors()->add_tensors();
  ToProto(tensor, added);
  bytes_ += static_cast<int64_t>(added->ByteSizeLong());
}

grpc::ByteBuffer DescribedTensors::Serialize() const {
  return weightinit::Serialize(*response_);
}

}  // namespace weightinit
