// The request for a tensor: the enums and structs that a weight tensor is a
// pure function of. Numeric values of the enums are those of
// proto/weightinit/v1.
//
// Plain data; any thread may use its own copy.

#ifndef WEIGHTINIT_CORE_TENSOR_H_
#define WEIGHTINIT_CORE_TENSOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weightinit {

// See the comments of the same enums in proto/weightinit/v1/tensor.proto.
enum class Scheme : int {
  kUnspecified = 0,
  kZeros = 1,
  kOnes = 2,
  kConstant = 3,
  kUniform = 4,
  kNormal = 5,
  kTruncatedNormal = 6,
  kXavierUniform = 7,
  kXavierNormal = 8,
  kHeUniform = 9,
  kHeNormal = 10,
  kLecunUniform = 11,
  kLecunNormal = 12,
  kVarianceScaling = 13,
};

enum class Activation : int {
  kUnspecified = 0,
  kLinear = 1,
  kSigmoid = 2,
  kTanh = 3,
  kSoftmax = 4,
  kRelu = 5,
  kLeakyRelu = 6,
  kSwish = 7,
  kGelu = 8,
  kElu = 9,
  kMish = 10,
  kPrelu = 11,
  kSelu = 12,
};

enum class Dtype : int {
  kUnspecified = 0,
  kFloat32 = 1,
  kFloat64 = 2,
  kFloat16 = 3,
  kBfloat16 = 4,
};

enum class Generator : int {
  kUnspecified = 0,
  kPhilox4x32V1 = 1,
};

enum class Layout : int {
  kUnspecified = 0,
  kOutIn = 1,
  kInOut = 2,
};

enum class FanMode : int {
  kUnspecified = 0,
  kIn = 1,
  kOut = 2,
  kAverage = 3,
  kGeometric = 4,
};

enum class Distribution : int {
  kUnspecified = 0,
  kConstant = 1,
  kUniform = 2,
  kNormal = 3,
  kTruncatedNormal = 4,
};

enum class AdvisoryCode : int {
  kUnspecified = 0,
  kXavierWithRelu = 1,
  kHeWithSaturating = 2,
  kSymmetryNotBroken = 3,
  kStddevTooHigh = 4,
  kStddevTooLow = 5,
};

// Parameters of a scheme; unset means the scheme's default. One that is set
// although the scheme does not take it is an error.
struct SchemeParameters {
  std::optional<double> gain;
  std::optional<double> negative_slope;
  std::optional<double> mean;
  std::optional<double> stddev;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<double> value;
  std::optional<double> scale;
  FanMode fan_mode = FanMode::kUnspecified;
  Distribution distribution = Distribution::kUnspecified;
};

// How fans follow from the shape, and the order of dimensions.
struct FanSpec {
  Layout layout = Layout::kUnspecified;
  int64_t groups = 0;  // 0 means 1.
  bool transposed = false;
  std::optional<int64_t> fan_in;
  std::optional<int64_t> fan_out;
};

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  Scheme scheme = Scheme::kUnspecified;
  Activation activation = Activation::kUnspecified;
  Dtype dtype = Dtype::kUnspecified;
  SchemeParameters parameters;
  FanSpec fan;
};

// Half-open range of one dimension; no stop means the end of the dimension.
struct DimensionRange {
  int64_t start = 0;
  std::optional<int64_t> stop;
};

struct TensorRequest {
  // These change bytes.
  TensorSpec tensor;
  uint64_t seed = 0;
  Generator generator = Generator::kUnspecified;
  // These choose which of the tensor's bytes are delivered.
  std::vector<DimensionRange> slice;
  int64_t first_element = 0;
  // This frames the delivery and never changes a byte. 0 means the default.
  int64_t chunk_bytes = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_TENSOR_H_
