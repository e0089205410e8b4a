// From a request to a plan: every choice made, every default filled in.

#ifndef WEIGHTINIT_CORE_RESOLVE_H_
#define WEIGHTINIT_CORE_RESOLVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/tensor.h"

namespace weightinit {

// A distribution by its own parameters, before any rounding to the dtype.
struct DistributionParameters {
  Distribution distribution = Distribution::kConstant;
  // kNormal, kTruncatedNormal: of the normal before truncation. kConstant: mean
  // is the value and stddev 0.
  double mean = 0;
  double stddev = 0;
  // kUniform: bounds of the value. kTruncatedNormal: bounds in standard
  // deviations from the mean.
  double low = 0;
  double high = 0;
};

struct Advisory {
  AdvisoryCode code = AdvisoryCode::kUnspecified;
  std::string message;
};

// Which random stream a tensor draws from.
struct StreamKey {
  uint64_t key = 0;  // Philox key, first word in the low half.
  uint64_t stream =
      0;  // Upper half of the counter, third word in the low half.
};

// A half-open range of one dimension with 0 <= start <= stop <= dimension.
struct ResolvedRange {
  int64_t start = 0;
  int64_t stop = 0;
};

// A resolved request. Field by field what TensorDescription in
// proto/weightinit/v1/tensor.proto documents.
struct TensorPlan {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<ResolvedRange> slice;  // One for each dimension.
  Scheme scheme = Scheme::kUnspecified;
  Activation activation = Activation::kUnspecified;
  Dtype dtype = Dtype::kUnspecified;
  Layout layout = Layout::kUnspecified;
  Generator generator = Generator::kUnspecified;
  uint64_t seed = 0;
  std::optional<int64_t> fan_in;
  std::optional<int64_t> fan_out;
  std::optional<double> gain;
  DistributionParameters parameters;
  // Theory of the values delivered.
  double mean = 0;
  double stddev = 0;
  std::optional<double> low;
  std::optional<double> high;
  int64_t tensor_elements = 0;
  int64_t first_element = 0;
  int64_t elements = 0;  // Of the slice, from first_element on.
  int64_t bytes = 0;
  StreamKey stream_key;
  std::vector<Advisory> advisories;
  // Elements of a chunk, at least 1.
  int64_t chunk_elements = 0;

  std::vector<int64_t> SliceShape() const;
};

// Bytes of one element. REQUIRES: `dtype` is a named value.
int DtypeBytes(Dtype dtype);

// Resolves a request in time and memory that do not depend on the size of the
// tensor. INVALID_ARGUMENT carries every violation (see violations.h);
// OUT_OF_RANGE: first_element is past the end.
absl::StatusOr<TensorPlan> Resolve(const TensorRequest& request,
                                   const Limits& limits = {});

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RESOLVE_H_
