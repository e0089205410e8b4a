#include "server/convert.h"

#include <cstdint>

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
auto Plan(const grpc::ByteBuffer& wire, const Limits& limits)
    -> decltype(PlanOf(Request(), limits)) {
  Request proto;
  grpc::Slice bytes;
  const bool received = GetBytes(wire, &bytes);
  if (received &&
      !NameIsUtf8({reinterpret_cast<const char*>(bytes.begin()), bytes.size()},
                  Request::kTensorFieldNumber)) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument,
                           {{"tensor.name", "is not valid UTF-8"}});
  }
  if (!received ||
      !proto.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()))) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument,
                           {{"", absl::StrCat("the request is not a valid ",
                                              Request::descriptor()->name())}});
  }
  return PlanOf(proto, limits);
}

}  // namespace

absl::StatusOr<TensorPlan> PlanInitializeTensor(const grpc::ByteBuffer& request,
                                                const Limits& limits) {
  return Plan<v1::InitializeTensorRequest>(request, limits);
}

absl::StatusOr<TensorPlan> PlanDescribeTensor(const grpc::ByteBuffer& request,
                                              const Limits& limits) {
  return Plan<v1::DescribeTensorRequest>(request, limits);
}

absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanInitializeModel(
    const grpc::ByteBuffer& request, const Limits& limits) {
  return Plan<v1::InitializeModelRequest>(request, limits);
}

absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanDescribeModel(
    const grpc::ByteBuffer& request, const Limits& limits) {
  return Plan<v1::DescribeModelRequest>(request, limits);
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
