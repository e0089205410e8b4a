// Statistics of a tensor's values, computed as its bytes come in.

#ifndef WEIGHTINIT_CLIENT_CPP_STATISTICS_STATISTICS_H_
#define WEIGHTINIT_CLIENT_CPP_STATISTICS_STATISTICS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

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

// Accumulates statistics of pieces, in whatever order they come and by
// whichever threads. What comes out depends on the values and on where the
// pieces begin, not on their order or the machine. Thread-safe.
class Statistics {
 public:
  // Of values as `description` announces them. No histogram for 0 bins.
  Statistics(const v1::TensorDescription& description, int bins);

  // Whole elements, little-endian and packed, `offset` bytes after the first.
  // Each byte comes once. A piece ahead of one that has not come yet is kept, a
  // few dozen bytes for each 16384 elements.
  void Add(int64_t offset, absl::Span<const uint8_t> data);

  // Of the pieces up to the first that has not come. Nothing for no values.
  std::optional<Measured> measured() const;
  Histogram histogram() const;

 private:
  // Of some consecutive values, times scale_.
  struct Moments {
    int64_t count = 0;
    double mean = 0;
    double squares = 0;  // Sum of squared deviations from the mean.
    double min = 0;
    double max = 0;
  };
  struct Summary {
    int64_t bytes = 0;
    std::vector<Moments> blocks;
    std::vector<int64_t> counts;  // In the bins of the histogram.
  };

  Summary Summarize(absl::Span<const uint8_t> data) const;
  template <typename T>
  void AddBlock(const uint8_t* data, size_t count, Summary& summary) const;
  template <typename T>
  void CountValues(const T* values, size_t count, const std::vector<T>& borders,
                   std::vector<int64_t>& counts) const;
  void Merge(const Summary& summary) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // `count` values at `data`, decoded into `values`.
  void Decode(const uint8_t* data, size_t count, float* values) const;
  void Decode(const uint8_t* data, size_t count, double* values) const;

  const std::vector<float>& BordersOf(float /*value*/) const {
    return float_borders_;
  }
  const std::vector<double>& BordersOf(double /*value*/) const {
    return double_borders_;
  }

  const v1::Dtype dtype_;
  // A power of two that keeps squares of extreme float64 values finite; 1 for
  // all others.
  double scale_ = 1;
  // Between the bins, rising, times scale_: a value below the first one counts
  // in the first bin. Those of float compare with floats as those of double do.
  std::vector<double> double_borders_;
  std::vector<float> float_borders_;

  mutable absl::Mutex mutex_;
  Histogram histogram_ ABSL_GUARDED_BY(mutex_);
  Moments total_ ABSL_GUARDED_BY(mutex_);
  // Bytes whose values are counted in total_.
  int64_t merged_ ABSL_GUARDED_BY(mutex_) = 0;
  // Pieces behind them, by offset.
  std::map<int64_t, Summary> ahead_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STATISTICS_STATISTICS_H_
