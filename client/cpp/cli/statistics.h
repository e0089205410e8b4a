// Statistics of a tensor's values, computed as its bytes come in.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_STATISTICS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_STATISTICS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {

struct Measured {
  double mean = 0;
  double stddev = 0;  // Of these values, all of them: divided by their number.
  double min = 0;
  double max = 0;
};

// Counts of values in bins of equal width from `low` to `high`; values outside
// count in the bin at that end.
struct Histogram {
  double low = 0;
  double high = 0;
  std::vector<int64_t> counts;  // Empty if all values are equal in theory.
};

// Accumulates statistics. Not thread-safe.
class Statistics {
 public:
  // Of values as `description` announces them. No histogram for 0 bins.
  explicit Statistics(const v1::TensorDescription& description, int bins);

  // The next whole elements, little-endian and packed.
  void Add(absl::Span<const uint8_t> data);

  // Nothing for no values.
  std::optional<Measured> measured() const;
  const Histogram& histogram() const { return histogram_; }

 private:
  // Adds `count` values, already multiplied by scale_; a few thousand at most.
  void AddBlock(const double* values, int count);
  void Count(const double* values, int count);

  v1::Dtype dtype_;
  // A power of two that keeps squares of extreme float64 values finite; 1 for
  // all others.
  double scale_ = 1;
  Histogram histogram_;
  // Of the values times scale_.
  int64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // Sum of squared deviations from the mean.
  double min_;
  double max_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_STATISTICS_H_
