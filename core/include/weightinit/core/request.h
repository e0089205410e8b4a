// The request for a tensor: the enums and structs that a weight tensor is a
// pure function of.
//
// Plain data; any thread may use its own copy.

#ifndef WEIGHTINIT_CORE_REQUEST_H_
#define WEIGHTINIT_CORE_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weightinit {

// See the comments of the same enums in proto/weightinit/v1/tensor.proto. The
// values are listed in weightinit/core/request.def.
#define WEIGHTINIT_ENUMERATOR(enumerator, number, ...) enumerator = number,

enum class Scheme : int {
  kUnspecified = 0,
#define WEIGHTINIT_SCHEME WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class Activation : int {
  kUnspecified = 0,
#define WEIGHTINIT_ACTIVATION WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class Dtype : int {
  kUnspecified = 0,
#define WEIGHTINIT_DTYPE WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class Generator : int {
  kUnspecified = 0,
#define WEIGHTINIT_GENERATOR WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class TensorRole : int {
  kUnspecified = 0,
#define WEIGHTINIT_TENSOR_ROLE WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class Layout : int {
  kUnspecified = 0,
#define WEIGHTINIT_LAYOUT WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class FanMode : int {
  kUnspecified = 0,
#define WEIGHTINIT_FAN_MODE WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class Distribution : int {
  kUnspecified = 0,
#define WEIGHTINIT_DISTRIBUTION WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

enum class AdvisoryCode : int {
  kUnspecified = 0,
#define WEIGHTINIT_ADVISORY_CODE WEIGHTINIT_ENUMERATOR
#include "weightinit/core/request.def"
};

#undef WEIGHTINIT_ENUMERATOR

// Bytes of one element. REQUIRES: `dtype` is a named value.
constexpr int DtypeBytes(Dtype dtype) {
#define WEIGHTINIT_DTYPE(enumerator, number, names, wire, bytes) \
  if (dtype == Dtype::enumerator) return bytes;
#include "weightinit/core/request.def"
  return 4;  // Those of the default.
}

// Parameters of a scheme; unset means the scheme's default. One that is set
// although the scheme does not take it is an error. request.def says what each
// is, and proto/weightinit/v1/tensor.proto its unit.
struct SchemeParameters {
#define WEIGHTINIT_PARAMETER(name, ...) std::optional<double> name;
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  type name = type::kUnspecified;
#include "weightinit/core/request.def"
};

// How fans follow from the shape, and the order of dimensions.
struct FanSpec {
  Layout layout = Layout::kUnspecified;
  int64_t groups = 0;  // 0 means 1.
  bool transposed = false;
  std::optional<int64_t> fan_in;
  std::optional<int64_t> fan_out;
};

struct TensorPart;

// Parts that lie one behind the other along one dimension.
struct Concatenation {
  int64_t axis = 0;      // In the order of the shape.
  bool stacked = false;  // Whether the axis counts the parts.
  std::vector<TensorPart> parts;
};

struct TensorPart {
  std::string name;
  int64_t size = 0;  // Along the axis; not set if stacked.
  Scheme scheme = Scheme::kUnspecified;
  Activation activation = Activation::kUnspecified;
  SchemeParameters parameters;
  FanSpec fan;  // Without the layout, which is the tensor's.
  TensorRole role = TensorRole::kUnspecified;
  Concatenation concatenation;  // Of parts itself, if it has any.
};

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  Scheme scheme = Scheme::kUnspecified;
  Activation activation = Activation::kUnspecified;
  Dtype dtype = Dtype::kUnspecified;
  SchemeParameters parameters;
  FanSpec fan;
  Concatenation concatenation;  // No parts: an ordinary tensor.
  TensorRole role = TensorRole::kUnspecified;
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
  std::string seed_name;  // In place of the number; empty for none.
  Generator generator = Generator::kUnspecified;
  // These choose which of the tensor's bytes are delivered.
  std::vector<DimensionRange> slice;
  int64_t first_element = 0;
  // From first_element on; nothing means to the end of the slice.
  std::optional<int64_t> element_count;
  // This frames the delivery and never changes a byte. 0 means the default.
  int64_t chunk_bytes = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_REQUEST_H_
