#include "client/cpp/cli/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"

namespace weightinit::cli {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "values are decoded as they lie in memory");

// Values of a block: 8 KiB of doubles stay in the first-level cache.
constexpr int kBlock = 1024;
// Independent sums, so that additions need not wait for each other.
constexpr int kLanes = 8;
// Half of the width of the histogram of a distribution without bounds.
constexpr double kHistogramStddevs = 4;
// Squares of numbers between 2^-400 and 2^400 are far from the limits of
// double.
constexpr int kMaxPlainExponent = 400;

double FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return static_cast<double>(value);
}

// binary16: its exponent and fraction, moved into those of a float, are 2^112
// times too small; that also makes its subnormals right.
double FromFloat16(uint16_t half) {
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  const double value = FloatFromBits(magnitude) * 0x1p112;
  const double finite_or_not =
      magnitude >= 0x0f800000 ? FloatFromBits(magnitude | 0x7f800000) : value;
  return (half & 0x8000) != 0 ? -finite_or_not : finite_or_not;
}

template <typename Bits, typename Decode>
void DecodeBlock(const uint8_t* data, int count, double* values,
                 Decode decode) {
  for (int i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + static_cast<size_t>(i) * sizeof(Bits),
                sizeof(Bits));
    values[i] = decode(bits);
  }
}

}  // namespace

Statistics::Statistics(const v1::TensorDescription& description, int bins)
    : dtype_(description.dtype()),
      min_(std::numeric_limits<double>::infinity()),
      max_(-std::numeric_limits<double>::infinity()) {
  int exponent = 0;
  std::frexp(std::max(std::abs(description.mean()), description.stddev()),
             &exponent);
  if (dtype_ == v1::DTYPE_FLOAT64 && std::abs(exponent) > kMaxPlainExponent) {
    scale_ = std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
  }
  if (bins > 0 && description.stddev() > 0) {
    const double reach = kHistogramStddevs * description.stddev();
    histogram_.low =
        description.has_low() ? description.low() : description.mean() - reach;
    histogram_.high = description.has_high() ? description.high()
                                             : description.mean() + reach;
    histogram_.counts.resize(static_cast<size_t>(bins));
  }
}

void Statistics::Add(absl::Span<const uint8_t> data) {
  // The client has refused a dtype that it does not know.
  const auto element_bytes =
      static_cast<size_t>(DtypeBytes(static_cast<Dtype>(dtype_)));
  std::array<double, kBlock> values;
  while (data.size() >= element_bytes) {
    const int count = static_cast<int>(std::min<size_t>(
        data.size() / element_bytes, static_cast<size_t>(kBlock)));
    switch (dtype_) {
      case v1::DTYPE_FLOAT64:
        DecodeBlock<uint64_t>(data.data(), count, values.data(),
                              [this](uint64_t bits) {
                                double value;
                                std::memcpy(&value, &bits, sizeof(value));
                                return value * scale_;
                              });
        break;
      case v1::DTYPE_FLOAT16:
        DecodeBlock<uint16_t>(data.data(), count, values.data(), FromFloat16);
        break;
      case v1::DTYPE_BFLOAT16:
        DecodeBlock<uint16_t>(
            data.data(), count, values.data(), [](uint16_t bits) {
              return FloatFromBits(static_cast<uint32_t>(bits) << 16);
            });
        break;
      default:
        DecodeBlock<uint32_t>(data.data(), count, values.data(), FloatFromBits);
    }
    AddBlock(values.data(), count);
    data.remove_prefix(static_cast<size_t>(count) * element_bytes);
  }
}

// Sums are taken of differences from the block's first value, so that nothing
// is lost when the mean is large beside the deviation; blocks are merged as
// Chan, Golub and LeVeque (1979) do.
void Statistics::AddBlock(const double* values, int count) {
  const double shift = values[0];
  std::array<double, kLanes> sums{};
  std::array<double, kLanes> squares{};
  std::array<double, kLanes> lows;
  std::array<double, kLanes> highs;
  lows.fill(min_);
  highs.fill(max_);
  const auto add = [&](size_t lane, double value) {
    const double difference = value - shift;
    sums[lane] += difference;
    squares[lane] += difference * difference;
    lows[lane] = value < lows[lane] ? value : lows[lane];
    highs[lane] = value > highs[lane] ? value : highs[lane];
  };
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      add(lane, values[i + static_cast<int>(lane)]);
    }
  }
  for (; i < count; ++i) add(0, values[i]);

  double sum = 0;
  double square = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sum += sums[lane];
    square += squares[lane];
    min_ = std::min(min_, lows[lane]);
    max_ = std::max(max_, highs[lane]);
  }
  const auto n = static_cast<double>(count);
  const auto before = static_cast<double>(count_);
  const double total = before + n;
  const double block_mean = shift + sum / n;
  const double delta = block_mean - mean_;
  mean_ += delta * (n / total);
  squares_ += (square - sum * (sum / n)) + delta * delta * (before * n / total);
  count_ += count;
  if (!histogram_.counts.empty()) Count(values, count);
}

void Statistics::Count(const double* values, int count) {
  const double low = histogram_.low * scale_;
  const auto bins = static_cast<double>(histogram_.counts.size());
  const double bins_per_unit = bins / (histogram_.high * scale_ - low);
  for (int i = 0; i < count; ++i) {
    const double bin = (values[i] - low) * bins_per_unit;
    // Also for NaN the first bin.
    const double clamped = bin > 0 ? std::min(bin, bins - 1) : 0;
    ++histogram_.counts[static_cast<size_t>(clamped)];
  }
}

std::optional<Measured> Statistics::measured() const {
  if (count_ == 0) return std::nullopt;
  // Rounding may leave less than 0; NaN, of values that are not finite, stays.
  const double variance =
      squares_ < 0 ? 0 : squares_ / static_cast<double>(count_);
  return Measured{mean_ / scale_, std::sqrt(variance) / scale_, min_ / scale_,
                  max_ / scale_};
}

}  // namespace weightinit::cli
