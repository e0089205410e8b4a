// That enums and status codes can be converted by their numbers, checked when
// this file is compiled; it has no code.

#include "absl/status/status.h"
#include "grpcpp/support/status_code_enum.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {
namespace {

// Enums cross the border as numbers, unknown ones too: the core refuses those.
// Each row of the list has a value of its number on the wire; together they are
// all values of the wire, beside UNSPECIFIED.
// NOLINTNEXTLINE(bugprone-macro-parentheses): a term of a sum.
#define WEIGHTINIT_COUNT(...) +1

#define WEIGHTINIT_SCHEME(enumerator, number, names, wire, ...) \
  static_assert(v1::SCHEME_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::Scheme_ARRAYSIZE == 1
#define WEIGHTINIT_SCHEME WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_ACTIVATION(enumerator, number, names, wire, ...) \
  static_assert(v1::ACTIVATION_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::Activation_ARRAYSIZE == 1
#define WEIGHTINIT_ACTIVATION WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_DTYPE(enumerator, number, names, wire, ...) \
  static_assert(v1::DTYPE_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::Dtype_ARRAYSIZE == 1
#define WEIGHTINIT_DTYPE WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_GENERATOR(enumerator, number, names, wire) \
  static_assert(v1::GENERATOR_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::Generator_ARRAYSIZE == 1
#define WEIGHTINIT_GENERATOR WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_TENSOR_ROLE(enumerator, number, names, wire, ...) \
  static_assert(v1::TENSOR_ROLE_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::TensorRole_ARRAYSIZE == 1
#define WEIGHTINIT_TENSOR_ROLE WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_LAYOUT(enumerator, number, names, wire) \
  static_assert(v1::LAYOUT_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::Layout_ARRAYSIZE == 1
#define WEIGHTINIT_LAYOUT WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_FAN_MODE(enumerator, number, names, wire) \
  static_assert(v1::FAN_MODE_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::FanMode_ARRAYSIZE == 1
#define WEIGHTINIT_FAN_MODE WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_DISTRIBUTION(enumerator, number, names, wire) \
  static_assert(v1::DISTRIBUTION_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::Distribution_ARRAYSIZE == 1
#define WEIGHTINIT_DISTRIBUTION WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#define WEIGHTINIT_ADVISORY_CODE(enumerator, number, names, wire) \
  static_assert(v1::ADVISORY_CODE_##wire == (number));
#include "weightinit/core/request.def"
static_assert(v1::AdvisoryCode_ARRAYSIZE == 1
#define WEIGHTINIT_ADVISORY_CODE WEIGHTINIT_COUNT
#include "weightinit/core/request.def"
);

#undef WEIGHTINIT_COUNT

// Status codes cross the border as numbers too.
constexpr bool Same(absl::StatusCode code, grpc::StatusCode wire) {
  return static_cast<int>(code) == static_cast<int>(wire);
}

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
