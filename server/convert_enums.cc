// That enums and status codes can be converted by their numbers, checked when
// this file is compiled; it has no code.

#include <grpcpp/support/status_code_enum.h>

#include "absl/status/status.h"
#include "weightinit/core/tensor.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {
namespace {

// Enums cross the border as numbers, unknown ones too: the core refuses those.
template <typename Core, typename Proto>
constexpr bool Same(Core core, Proto proto) {
  return static_cast<int>(core) == static_cast<int>(proto);
}

static_assert(Same(Scheme::kUnspecified, v1::SCHEME_UNSPECIFIED));
static_assert(Same(Scheme::kZeros, v1::SCHEME_ZEROS));
static_assert(Same(Scheme::kOnes, v1::SCHEME_ONES));
static_assert(Same(Scheme::kConstant, v1::SCHEME_CONSTANT));
static_assert(Same(Scheme::kUniform, v1::SCHEME_UNIFORM));
static_assert(Same(Scheme::kNormal, v1::SCHEME_NORMAL));
static_assert(Same(Scheme::kTruncatedNormal, v1::SCHEME_TRUNCATED_NORMAL));
static_assert(Same(Scheme::kXavierUniform, v1::SCHEME_XAVIER_UNIFORM));
static_assert(Same(Scheme::kXavierNormal, v1::SCHEME_XAVIER_NORMAL));
static_assert(Same(Scheme::kHeUniform, v1::SCHEME_HE_UNIFORM));
static_assert(Same(Scheme::kHeNormal, v1::SCHEME_HE_NORMAL));
static_assert(Same(Scheme::kLecunUniform, v1::SCHEME_LECUN_UNIFORM));
static_assert(Same(Scheme::kLecunNormal, v1::SCHEME_LECUN_NORMAL));
static_assert(Same(Scheme::kVarianceScaling, v1::SCHEME_VARIANCE_SCALING));
static_assert(Same(Scheme::kVarianceScaling, v1::Scheme_MAX));

static_assert(Same(Activation::kUnspecified, v1::ACTIVATION_UNSPECIFIED));
static_assert(Same(Activation::kLinear, v1::ACTIVATION_LINEAR));
static_assert(Same(Activation::kSigmoid, v1::ACTIVATION_SIGMOID));
static_assert(Same(Activation::kTanh, v1::ACTIVATION_TANH));
static_assert(Same(Activation::kSoftmax, v1::ACTIVATION_SOFTMAX));
static_assert(Same(Activation::kRelu, v1::ACTIVATION_RELU));
static_assert(Same(Activation::kLeakyRelu, v1::ACTIVATION_LEAKY_RELU));
static_assert(Same(Activation::kSwish, v1::ACTIVATION_SWISH));
static_assert(Same(Activation::kGelu, v1::ACTIVATION_GELU));
static_assert(Same(Activation::kElu, v1::ACTIVATION_ELU));
static_assert(Same(Activation::kMish, v1::ACTIVATION_MISH));
static_assert(Same(Activation::kPrelu, v1::ACTIVATION_PRELU));
static_assert(Same(Activation::kSelu, v1::ACTIVATION_SELU));
static_assert(Same(Activation::kSelu, v1::Activation_MAX));

static_assert(Same(Dtype::kUnspecified, v1::DTYPE_UNSPECIFIED));
static_assert(Same(Dtype::kFloat32, v1::DTYPE_FLOAT32));
static_assert(Same(Dtype::kFloat64, v1::DTYPE_FLOAT64));
static_assert(Same(Dtype::kFloat16, v1::DTYPE_FLOAT16));
static_assert(Same(Dtype::kBfloat16, v1::DTYPE_BFLOAT16));
static_assert(Same(Dtype::kBfloat16, v1::Dtype_MAX));

static_assert(Same(Generator::kUnspecified, v1::GENERATOR_UNSPECIFIED));
static_assert(Same(Generator::kPhilox4x32V1, v1::GENERATOR_PHILOX4X32_V1));
static_assert(Same(Generator::kPhilox4x32V1, v1::Generator_MAX));

static_assert(Same(Layout::kUnspecified, v1::LAYOUT_UNSPECIFIED));
static_assert(Same(Layout::kOutIn, v1::LAYOUT_OUT_IN));
static_assert(Same(Layout::kInOut, v1::LAYOUT_IN_OUT));
static_assert(Same(Layout::kInOut, v1::Layout_MAX));

static_assert(Same(FanMode::kUnspecified, v1::FAN_MODE_UNSPECIFIED));
static_assert(Same(FanMode::kIn, v1::FAN_MODE_IN));
static_assert(Same(FanMode::kOut, v1::FAN_MODE_OUT));
static_assert(Same(FanMode::kAverage, v1::FAN_MODE_AVERAGE));
static_assert(Same(FanMode::kGeometric, v1::FAN_MODE_GEOMETRIC));
static_assert(Same(FanMode::kGeometric, v1::FanMode_MAX));

static_assert(Same(Distribution::kUnspecified, v1::DISTRIBUTION_UNSPECIFIED));
static_assert(Same(Distribution::kConstant, v1::DISTRIBUTION_CONSTANT));
static_assert(Same(Distribution::kUniform, v1::DISTRIBUTION_UNIFORM));
static_assert(Same(Distribution::kNormal, v1::DISTRIBUTION_NORMAL));
static_assert(Same(Distribution::kTruncatedNormal,
                   v1::DISTRIBUTION_TRUNCATED_NORMAL));
static_assert(Same(Distribution::kTruncatedNormal, v1::Distribution_MAX));

static_assert(Same(AdvisoryCode::kUnspecified, v1::ADVISORY_CODE_UNSPECIFIED));
static_assert(Same(AdvisoryCode::kXavierWithRelu,
                   v1::ADVISORY_CODE_XAVIER_WITH_RELU));
static_assert(Same(AdvisoryCode::kHeWithSaturating,
                   v1::ADVISORY_CODE_HE_WITH_SATURATING));
static_assert(Same(AdvisoryCode::kSymmetryNotBroken,
                   v1::ADVISORY_CODE_SYMMETRY_NOT_BROKEN));
static_assert(Same(AdvisoryCode::kStddevTooHigh,
                   v1::ADVISORY_CODE_STDDEV_TOO_HIGH));
static_assert(Same(AdvisoryCode::kStddevTooLow,
                   v1::ADVISORY_CODE_STDDEV_TOO_LOW));
static_assert(Same(AdvisoryCode::kStddevTooLow, v1::AdvisoryCode_MAX));

// Status codes cross the border as numbers too.
static_assert(Same(absl::StatusCode::kCancelled, grpc::StatusCode::CANCELLED));
static_assert(Same(absl::StatusCode::kUnknown, grpc::StatusCode::UNKNOWN));
static_assert(Same(absl::StatusCode::kInvalidArgument,
                   grpc::StatusCode::INVALID_ARGUMENT));
static_assert(Same(absl::StatusCode::kDeadlineExceeded,
                   grpc::StatusCode::DEADLINE_EXCEEDED));
static_assert(Same(absl::StatusCode::kNotFound, grpc::StatusCode::NOT_FOUND));
static_assert(Same(absl::StatusCode::kAlreadyExists,
                   grpc::StatusCode::ALREADY_EXISTS));
static_assert(Same(absl::StatusCode::kPermissionDenied,
                   grpc::StatusCode::PERMISSION_DENIED));
static_assert(Same(absl::StatusCode::kResourceExhausted,
                   grpc::StatusCode::RESOURCE_EXHAUSTED));
static_assert(Same(absl::StatusCode::kFailedPrecondition,
                   grpc::StatusCode::FAILED_PRECONDITION));
static_assert(Same(absl::StatusCode::kAborted, grpc::StatusCode::ABORTED));
static_assert(Same(absl::StatusCode::kOutOfRange,
                   grpc::StatusCode::OUT_OF_RANGE));
static_assert(Same(absl::StatusCode::kUnimplemented,
                   grpc::StatusCode::UNIMPLEMENTED));
static_assert(Same(absl::StatusCode::kInternal, grpc::StatusCode::INTERNAL));
static_assert(Same(absl::StatusCode::kUnavailable,
                   grpc::StatusCode::UNAVAILABLE));
static_assert(Same(absl::StatusCode::kDataLoss, grpc::StatusCode::DATA_LOSS));
static_assert(Same(absl::StatusCode::kUnauthenticated,
                   grpc::StatusCode::UNAUTHENTICATED));

}  // namespace
}  // namespace weightinit
