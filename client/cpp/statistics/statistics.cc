#include "client/cpp/statistics/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "client/cpp/statistics/block_sums.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "values are decoded as they lie in memory");

// Values with moments of their own, which are merged with those of others as
// Chan, Golub and LeVeque (1979) do.
constexpr size_t kBlock = 16384;
// Values that are decoded at a time: they stay in the first-level cache.
constexpr size_t kStep = 1024;
static_assert(kBlock % kStep == 0 && kStep % kSumLanes == 0);

// Half of the width of the histogram of a distribution without bounds.
constexpr double kHistogramStddevs = 4;
// Squares of numbers between 2^-400 and 2^400 are far from the limits of
// double.
constexpr int kMaxPlainExponent = 400;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The smallest float that is not below `border`: a float is below the one as it
// is below the other.
float FloatBorder(double border) {
  const auto nearest = static_cast<float>(border);
  return static_cast<double>(nearest) < border
             ? std::nextafter(nearest, std::numeric_limits<float>::infinity())
             : nearest;
}

}  // namespace

Statistics::Statistics(const v1::TensorDescription& description, int bins)
    : dtype_(description.dtype()) {
  int exponent = 0;
  std::frexp(std::max(std::abs(description.mean()), description.stddev()),
             &exponent);
  if (dtype_ == v1::DTYPE_FLOAT64 && std::abs(exponent) > kMaxPlainExponent) {
    scale_ = std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
  }
  if (bins == 0 || description.stddev() <= 0) return;
  const double reach = kHistogramStddevs * description.stddev();
  histogram_.low =
      description.has_low() ? description.low() : description.mean() - reach;
  histogram_.high =
      description.has_high() ? description.high() : description.mean() + reach;
  histogram_.counts.resize(static_cast<size_t>(bins));
  const double low = histogram_.low * scale_;
  const double width = (histogram_.high * scale_ - low) / bins;
  for (int bin = 1; bin < bins; ++bin) {
    double_borders_.push_back(low + bin * width);
    float_borders_.push_back(FloatBorder(double_borders_.back()));
  }
}

void Statistics::Add(int64_t offset, absl::Span<const uint8_t> data) {
  Summary summary = Summarize(data);
  const absl::MutexLock lock(&mutex_);
  if (offset != merged_) {
    ahead_.emplace(offset, std::move(summary));
    return;
  }
  Merge(summary);
  while (!ahead_.empty() && ahead_.begin()->first == merged_) {
    Merge(ahead_.begin()->second);
    ahead_.erase(ahead_.begin());
  }
}

Statistics::Summary Statistics::Summarize(
    absl::Span<const uint8_t> data) const {
  // The client has refused a dtype that it does not know.
  const auto element_bytes =
      static_cast<size_t>(DtypeBytes(static_cast<Dtype>(dtype_)));
  Summary summary;
  summary.bytes = static_cast<int64_t>(data.size());
  const size_t count = data.size() / element_bytes;
  summary.blocks.reserve(count / kBlock + 1);
  if (!double_borders_.empty()) {
    summary.counts.resize(double_borders_.size() + 1);
  }
  for (size_t i = 0; i < count; i += kBlock) {
    const uint8_t* const block = data.data() + i * element_bytes;
    const size_t n = std::min(kBlock, count - i);
    if (dtype_ == v1::DTYPE_FLOAT64) {
      AddBlock<double>(block, n, summary);
    } else {
      AddBlock<float>(block, n, summary);
    }
  }
  return summary;
}

template <typename T>
void Statistics::AddBlock(const uint8_t* data, size_t count,
                          Summary& summary) const {
  const auto element_bytes =
      static_cast<size_t>(DtypeBytes(static_cast<Dtype>(dtype_)));
  alignas(64) std::array<T, kStep> values;
  BlockSums sums;
  sums.lows.fill(kInfinity);
  sums.highs.fill(-kInfinity);
  for (size_t i = 0; i < count; i += kStep) {
    const size_t n = std::min(kStep, count - i);
    Decode(data + i * element_bytes, n, values.data());
    if (i == 0) sums.shift = static_cast<double>(values[0]);
    AddValues(values.data(), n, sums);
    if (!summary.counts.empty()) {
      CountValues(values.data(), n, BordersOf(T{}), summary.counts);
    }
  }
  double sum = 0;
  double square = 0;
  for (size_t lane = 0; lane < kSumLanes; ++lane) {
    sum += sums.sums[lane];
    square += sums.squares[lane];
  }
  const auto n = static_cast<double>(count);
  Moments& moments = summary.blocks.emplace_back();
  moments.count = static_cast<int64_t>(count);
  moments.mean = sums.shift + sum / n;
  moments.squares = square - sum * (sum / n);
  moments.min = *std::min_element(sums.lows.begin(), sums.lows.end());
  moments.max = *std::max_element(sums.highs.begin(), sums.highs.end());
}

template <typename T>
void Statistics::CountValues(const T* values, size_t count,
                             const std::vector<T>& borders,
                             std::vector<int64_t>& counts) const {
  int64_t before = 0;
  for (size_t bin = 0; bin < borders.size(); ++bin) {
    const int64_t below = CountBelow(values, count, borders[bin]);
    counts[bin] += below - before;
    before = below;
  }
  counts.back() += static_cast<int64_t>(count) - before;
}

void Statistics::Decode(const uint8_t* data, size_t count,
                        float* values) const {
  if (dtype_ != v1::DTYPE_FLOAT16 && dtype_ != v1::DTYPE_BFLOAT16) {
    std::memcpy(values, data, count * sizeof(float));
    return;
  }
  std::array<uint16_t, kStep> bits;
  std::memcpy(bits.data(), data, count * sizeof(uint16_t));
  if (dtype_ == v1::DTYPE_FLOAT16) {
    DecodeFloat16(bits.data(), count, values);
  } else {
    DecodeBfloat16(bits.data(), count, values);
  }
}

void Statistics::Decode(const uint8_t* data, size_t count,
                        double* values) const {
  std::memcpy(values, data, count * sizeof(double));
  if (scale_ == 1) return;
  for (size_t i = 0; i < count; ++i) values[i] *= scale_;
}

void Statistics::Merge(const Summary& summary) {
  for (const Moments& block : summary.blocks) {
    if (total_.count == 0) {
      total_ = block;
      continue;
    }
    const auto n = static_cast<double>(block.count);
    const auto before = static_cast<double>(total_.count);
    const double all = before + n;
    const double delta = block.mean - total_.mean;
    total_.mean += delta * (n / all);
    total_.squares += block.squares + delta * delta * (before * n / all);
    total_.count += block.count;
    total_.min = std::min(total_.min, block.min);
    total_.max = std::max(total_.max, block.max);
  }
  for (size_t bin = 0; bin < summary.counts.size(); ++bin) {
    histogram_.counts[bin] += summary.counts[bin];
  }
  merged_ += summary.bytes;
}

std::optional<Measured> Statistics::measured() const {
  const absl::MutexLock lock(&mutex_);
  if (total_.count == 0) return std::nullopt;
  // Rounding may leave less than 0; NaN, of values that are not finite, stays.
  const double variance =
      total_.squares < 0 ? 0
                         : total_.squares / static_cast<double>(total_.count);
  return Measured{total_.mean / scale_, std::sqrt(variance) / scale_,
                  total_.min / scale_, total_.max / scale_};
}

Histogram Statistics::histogram() const {
  const absl::MutexLock lock(&mutex_);
  return histogram_;
}

}  // namespace weightinit
