// A resolved request: what was decided.
//
// Plain data; any thread may use its own copy.

#ifndef WEIGHTINIT_CORE_PLAN_H_
#define WEIGHTINIT_CORE_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weightinit/core/request.h"

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

// What makes the elements.
enum class Structure {
  kElementwise,  // Each is a draw of the distribution, by its index.
  // The gain on the diagonal of each group of a matrix, or of the matrix at the
  // centre of a kernel; elsewhere 0.
  kDiagonal,
  // All of it is an orthogonal matrix, see orthogonal_shape.h.
  kOrthogonal,
  // The same at the centre of a kernel; elsewhere 0.
  kOrthogonalCentre,
  // Draws, and in each column of the matrix some zeros.
  kSparse,
  // ln u of a draw u; ln(e^x - 1) with x = e^u.
  kLogOfUniform,
  kInverseSoftplus,
};

struct Advisory {
  AdvisoryCode code = AdvisoryCode::kUnspecified;
  std::string message;
  // Whether it holds only where nothing normalises the signal.
  bool normalization_mends = false;
};

// Which random stream a tensor draws from.
struct StreamKey {
  uint64_t key = 0;  // Philox key, first word in the low half.
  // Upper half of the counter, third word in the low half.
  uint64_t stream = 0;
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
  TensorRole role = TensorRole::kUnspecified;
  Activation activation = Activation::kUnspecified;
  Dtype dtype = Dtype::kUnspecified;
  Layout layout = Layout::kUnspecified;
  Generator generator = Generator::kUnspecified;
  uint64_t seed = 0;
  std::string seed_name;  // Empty where the request gave the number.
  std::optional<int64_t> fan_in;
  std::optional<int64_t> fan_out;
  std::optional<double> gain;
  Structure structure = Structure::kElementwise;
  int64_t groups = 1;            // kDiagonal.
  int64_t zeros_per_column = 0;  // kSparse.
  // If drawn() or mapped(), else kUnspecified.
  DistributionParameters parameters;
  // Theory of the values delivered.
  double mean = 0;
  double stddev = 0;
  std::optional<double> low;
  std::optional<double> high;
  int64_t tensor_elements = 0;
  int64_t first_element = 0;
  int64_t elements = 0;  // That are delivered, from first_element on.
  int64_t bytes = 0;
  // Floating-point operations for the slice, beside those of draws; of a tensor
  // of parts, all of theirs.
  int64_t operations = 0;
  StreamKey stream_key;
  std::vector<Advisory> advisories;
  // Along which dimension the parts lie, and whether it counts them. The plan
  // of a part is that of the tensor that it is; its slice is what this plan's
  // slice takes of it, and a stacked part that the slice leaves out has 0
  // elements. No parts: an ordinary tensor. A tensor of parts has no scheme,
  // fans, gain, distribution and stream key of its own.
  int64_t axis = 0;
  bool stacked = false;
  std::vector<TensorPlan> parts;
  // Elements of a chunk, at least 1.
  int64_t chunk_elements = 0;

  // Whether elements are draws of `parameters`.
  bool drawn() const {
    return parts.empty() && (structure == Structure::kElementwise ||
                             structure == Structure::kSparse);
  }

  // Whether elements are functions of float64 draws of `parameters`.
  bool mapped() const {
    return structure == Structure::kLogOfUniform ||
           structure == Structure::kInverseSoftplus;
  }

  std::vector<int64_t> SliceShape() const {
    std::vector<int64_t> sizes;
    sizes.reserve(slice.size());
    for (const ResolvedRange& range : slice) {
      sizes.push_back(range.stop - range.start);
    }
    return sizes;
  }
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_H_
