#include "server/convert.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "server/name_check.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// The bytes of a request, which is nearly always one slice.
bool GetBytes(const grpc::ByteBuffer& buffer, grpc::Slice* bytes) {
  return buffer.Valid() && (buffer.TrySingleSlice(bytes).ok() ||
                            buffer.DumpToSingleSlice(bytes).ok());
}

SchemeParameters FromProto(const v1::SchemeParameters& proto) {
  SchemeParameters parameters;
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (proto.has_##name()) parameters.name = proto.name();
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  parameters.name = static_cast<type>(proto.name());
#include "weightinit/core/request.def"
  return parameters;
}

FanSpec FromProto(const v1::FanSpec& proto) {
  FanSpec fan;
  fan.layout = static_cast<Layout>(proto.layout());
  fan.groups = proto.groups();
  fan.transposed = proto.transposed();
  if (proto.has_fan_in()) fan.fan_in = proto.fan_in();
  if (proto.has_fan_out()) fan.fan_out = proto.fan_out();
  return fan;
}

TensorSpec FromProto(const v1::TensorSpec& proto) {
  TensorSpec tensor;
  tensor.name = proto.name();
  tensor.shape.assign(proto.shape().begin(), proto.shape().end());
  tensor.scheme = static_cast<Scheme>(proto.scheme());
  tensor.activation = static_cast<Activation>(proto.activation());
  tensor.dtype = static_cast<Dtype>(proto.dtype());
  tensor.parameters = FromProto(proto.parameters());
  tensor.fan = FromProto(proto.fan());
  return tensor;
}

// Request: InitializeTensorRequest or DescribeTensorRequest, which have the
// same fields.
template <typename Request>
TensorRequest RequestFromProto(const Request& proto) {
  TensorRequest request;
  request.tensor = FromProto(proto.tensor());
  request.seed = proto.seed();
  request.generator = static_cast<Generator>(proto.generator());
  request.slice.reserve(static_cast<size_t>(proto.slice_size()));
  for (const v1::DimensionRange& range : proto.slice()) {
    DimensionRange& resolved = request.slice.emplace_back();
    resolved.start = range.start();
    if (range.has_stop()) resolved.stop = range.stop();
  }
  request.first_element = proto.first_element();
  request.chunk_bytes = proto.chunk_bytes();
  return request;
}

// The violations of a request without a tensor: the tensor's absence, and those
// of the fields that can be judged without one.
absl::Status TensorMissing(TensorRequest request, const Limits& limits) {
  std::vector<Violation> violations = {{"tensor", "is required"}};
  request.slice.clear();
  request.first_element = 0;
  for (Violation& violation :
       GetViolations(Resolve(request, limits).status())) {
    violations.push_back(std::move(violation));
  }
  return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
}

template <typename Request>
absl::StatusOr<TensorPlan> Plan(const grpc::ByteBuffer& wire,
                                const Limits& limits) {
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
  TensorRequest request = RequestFromProto(proto);
  if (!proto.has_tensor()) return TensorMissing(std::move(request), limits);
  return Resolve(request, limits);
}

void ToProto(const DistributionParameters& parameters,
             v1::DistributionParameters* proto) {
  proto->set_distribution(
      static_cast<v1::Distribution>(parameters.distribution));
  switch (parameters.distribution) {
    case Distribution::kUnspecified:
      break;
    case Distribution::kConstant:
      proto->set_mean(parameters.mean);
      break;
    case Distribution::kUniform:
      proto->set_low(parameters.low);
      proto->set_high(parameters.high);
      break;
    case Distribution::kNormal:
      proto->set_mean(parameters.mean);
      proto->set_stddev(parameters.stddev);
      break;
    case Distribution::kTruncatedNormal:
      proto->set_mean(parameters.mean);
      proto->set_stddev(parameters.stddev);
      proto->set_low(parameters.low);
      proto->set_high(parameters.high);
      break;
  }
}

void ToProto(const TensorPlan& plan, v1::TensorDescription* proto) {
  proto->set_name(plan.name);
  const std::vector<int64_t> slice_shape = plan.SliceShape();
  proto->mutable_shape()->Add(plan.shape.begin(), plan.shape.end());
  proto->mutable_slice_shape()->Add(slice_shape.begin(), slice_shape.end());
  proto->set_scheme(static_cast<v1::Scheme>(plan.scheme));
  proto->set_activation(static_cast<v1::Activation>(plan.activation));
  proto->set_dtype(static_cast<v1::Dtype>(plan.dtype));
  proto->set_layout(static_cast<v1::Layout>(plan.layout));
  proto->set_generator(static_cast<v1::Generator>(plan.generator));
  proto->set_seed(plan.seed);
  if (plan.fan_in.has_value()) proto->set_fan_in(*plan.fan_in);
  if (plan.fan_out.has_value()) proto->set_fan_out(*plan.fan_out);
  if (plan.gain.has_value()) proto->set_gain(*plan.gain);
  ToProto(plan.parameters, proto->mutable_parameters());
  proto->set_mean(plan.mean);
  proto->set_stddev(plan.stddev);
  if (plan.low.has_value()) proto->set_low(*plan.low);
  if (plan.high.has_value()) proto->set_high(*plan.high);
  proto->set_tensor_elements(plan.tensor_elements);
  proto->set_elements(plan.elements);
  proto->set_bytes(plan.bytes);
  proto->set_key(plan.stream_key.key);
  proto->set_stream(plan.stream_key.stream);
  for (const Advisory& advisory : plan.advisories) {
    v1::Advisory* added = proto->add_advisories();
    added->set_code(static_cast<v1::AdvisoryCode>(advisory.code));
    added->set_message(advisory.message);
  }
}

template <typename Core, typename Repeated>
void AddAllNamed(Repeated* repeated) {
  for (const Named<Core>& named : AllNamed<Core>()) {
    repeated->Add(static_cast<int>(named.value));
  }
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
  v1::TensorTrailer* trailer = response.mutable_trailer();
  trailer->set_elements(elements);
  trailer->set_bytes(bytes);
  trailer->set_crc32(crc32);
  return Serialize(response);
}

void DescribeServer(const Limits& limits, int max_streams,
                    v1::GetServerInfoResponse* response) {
  response->set_version(kVersion);
  response->set_simd_target(SimdTargetInUse());
  AddAllNamed<Generator>(response->mutable_generators());
  AddAllNamed<Scheme>(response->mutable_schemes());
  AddAllNamed<Dtype>(response->mutable_dtypes());
  v1::ServerLimits* proto = response->mutable_limits();
  proto->set_max_elements(limits.max_elements);
  proto->set_max_streams(max_streams);
  proto->set_max_rank(kMaxRank);
  proto->set_max_name_bytes(kMaxNameBytes);
  proto->set_min_chunk_bytes(static_cast<int32_t>(kMinChunkBytes));
  proto->set_max_chunk_bytes(static_cast<int32_t>(kMaxChunkBytes));
  proto->set_default_chunk_bytes(static_cast<int32_t>(kDefaultChunkBytes));
}

}  // namespace weightinit
