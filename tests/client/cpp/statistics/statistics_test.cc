#include "client/cpp/statistics/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/simd_target.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename T>
absl::Span<const uint8_t> BytesOf(const std::vector<T>& values) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(values.data()),
                             values.size() * sizeof(T));
}

template <typename T>
void Add(const std::vector<T>& values, Statistics* statistics) {
  statistics->Add(0, BytesOf(values));
}

v1::TensorDescription DescriptionOf(v1::Dtype dtype, double mean = 0,
                                    double stddev = 1) {
  v1::TensorDescription description;
  description.set_dtype(dtype);
  description.set_mean(mean);
  description.set_stddev(stddev);
  return description;
}

TEST(StatisticsTest, SmallSampleIsExact) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32), 0);
  statistics.Add(0, BytesOf<float>({1, 2, 3}));
  statistics.Add(12, BytesOf<float>({6}));
  const auto measured = statistics.measured();
  ASSERT_TRUE(measured.has_value());
  EXPECT_DOUBLE_EQ(measured->mean, 3);
  EXPECT_DOUBLE_EQ(measured->stddev, std::sqrt(3.5));
  EXPECT_EQ(measured->min, 1);
  EXPECT_EQ(measured->max, 6);
}

TEST(StatisticsTest, NoValuesHaveNoStatistics) {
  const Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32), 0);
  EXPECT_FALSE(statistics.measured().has_value());
}

TEST(StatisticsTest, LargeMeanDoesNotHideASmallDeviation) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT64, 1e9, 1e-3), 0);
  std::vector<double> values;
  values.reserve(100'003);
  for (int i = 0; i < 100'003; ++i) {
    values.push_back(1e9 + (i % 2 == 0 ? 1e-3 : -1e-3));
  }
  Add(values, &statistics);
  EXPECT_NEAR(statistics.measured()->stddev, 1e-3, 1e-6);
  EXPECT_NEAR(statistics.measured()->mean, 1e9, 1e-3);
}

TEST(StatisticsTest, EqualValuesDoNotDeviate) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32, 0.1, 0), 10);
  Add(std::vector<float>(5000, 0.1F), &statistics);
  EXPECT_EQ(statistics.measured()->stddev, 0);
  EXPECT_EQ(statistics.measured()->mean, static_cast<double>(0.1F));
  EXPECT_THAT(statistics.histogram().counts, IsEmpty());
}

TEST(StatisticsTest, ExtremeFloat64DoesNotOverflow) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT64, 0, 1e308), 0);
  Add<double>({1e308, -1e308, 1e308, -1e308}, &statistics);
  EXPECT_NEAR(statistics.measured()->stddev / 1e308, 1, 1e-12);
  Statistics tiny(DescriptionOf(v1::DTYPE_FLOAT64, 0, 1e-300), 0);
  Add<double>({1e-300, -1e-300}, &tiny);
  EXPECT_NEAR(tiny.measured()->stddev / 1e-300, 1, 1e-12);
  EXPECT_EQ(tiny.measured()->min, -1e-300);
}

TEST(StatisticsTest, HalfPrecisionIsDecoded) {
  Statistics half(DescriptionOf(v1::DTYPE_FLOAT16), 0);
  // -2, the largest, the smallest subnormal, 1.
  Add<uint16_t>({0xc000, 0x7bff, 0x0001, 0x3c00}, &half);
  EXPECT_EQ(half.measured()->min, -2);
  EXPECT_EQ(half.measured()->max, 65504);
  EXPECT_DOUBLE_EQ(half.measured()->mean, (-2 + 65504 + 0x1p-24 + 1) / 4);
  Statistics infinite(DescriptionOf(v1::DTYPE_FLOAT16), 0);
  Add<uint16_t>({0x7c00}, &infinite);
  EXPECT_TRUE(std::isinf(infinite.measured()->max));
  EXPECT_FALSE(std::isfinite(infinite.measured()->stddev));
  Statistics brain(DescriptionOf(v1::DTYPE_BFLOAT16), 0);
  Add<uint16_t>({0xc000, 0x3f80}, &brain);
  EXPECT_EQ(brain.measured()->min, -2);
  EXPECT_EQ(brain.measured()->max, 1);
}

TEST(StatisticsTest, HistogramCountsOutliersAtItsEnds) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32), 8);  // -4 to 4
  Add<float>({-9, -3.5F, -0.5F, 0, 0.5F, 3.5F, 9}, &statistics);
  EXPECT_THAT(statistics.histogram().counts,
              ElementsAre(2, 0, 0, 1, 2, 0, 0, 2));
}

std::vector<float> Normals(size_t count) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal(3, 2);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

// The numbers as they are, to the last bit.
std::vector<double> NumbersOf(const Statistics& statistics) {
  const auto measured = statistics.measured();
  std::vector<double> numbers = {measured->mean, measured->stddev,
                                 measured->min, measured->max};
  for (const int64_t count : statistics.histogram().counts) {
    numbers.push_back(static_cast<double>(count));
  }
  return numbers;
}

constexpr size_t kPiece = 40'001;

// In pieces, beginning with piece number `first`.
void AddPieces(const std::vector<float>& values, size_t first,
               Statistics* statistics) {
  const size_t pieces = (values.size() + kPiece - 1) / kPiece;
  for (size_t i = 0; i < pieces; ++i) {
    const size_t at = (first + i) % pieces * kPiece;
    const size_t count = std::min(kPiece, values.size() - at);
    statistics->Add(static_cast<int64_t>(at * 4),
                    BytesOf(values).subspan(at * 4, count * 4));
  }
}

TEST(StatisticsTest, ManyValuesAreMeasuredAsInOneLongSum) {
  const std::vector<float> values = Normals(200'003);
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32, 3, 2), 10);
  AddPieces(values, 0, &statistics);
  long double sum = 0;
  for (const float value : values) sum += value;
  const long double mean = sum / values.size();
  long double squares = 0;
  for (const float value : values) squares += (value - mean) * (value - mean);
  const auto measured = *statistics.measured();
  EXPECT_NEAR(measured.mean, static_cast<double>(mean), 1e-13);
  EXPECT_NEAR(measured.stddev,
              std::sqrt(static_cast<double>(squares / values.size())), 1e-13);
  EXPECT_EQ(measured.min, *std::min_element(values.begin(), values.end()));
  EXPECT_EQ(measured.max, *std::max_element(values.begin(), values.end()));
  const Histogram histogram = statistics.histogram();
  std::vector<int64_t> counts(10);
  for (const float value : values) {
    const double bin = std::floor((static_cast<double>(value) + 5) / 1.6);
    ++counts[static_cast<size_t>(std::clamp(bin, 0.0, 9.0))];
  }
  EXPECT_EQ(histogram.counts, counts);
}

TEST(StatisticsTest, OrderOfThePiecesChangesNoBit) {
  const std::vector<float> values = Normals(200'003);
  const auto description = DescriptionOf(v1::DTYPE_FLOAT32, 3, 2);
  Statistics in_order(description, 10);
  AddPieces(values, 0, &in_order);
  Statistics turned(description, 10);
  AddPieces(values, 3, &turned);
  EXPECT_EQ(NumbersOf(turned), NumbersOf(in_order));
  Statistics threaded(description, 10);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (size_t at = t * kPiece; at < values.size(); at += 3 * kPiece) {
        const size_t count = std::min(kPiece, values.size() - at);
        threaded.Add(static_cast<int64_t>(at * 4),
                     BytesOf(values).subspan(at * 4, count * 4));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(NumbersOf(threaded), NumbersOf(in_order));
}

TEST(StatisticsTest, InstructionSetChangesNoBit) {
  const std::vector<float> values = Normals(50'003);
  std::vector<double> doubles(values.begin(), values.end());
  // Every float16, infinities and what is not a number left out.
  std::vector<uint16_t> halves;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) != 0x7c00) {
      halves.push_back(static_cast<uint16_t>(bits));
    }
  }
  const auto numbers = [&] {
    Statistics of_floats(DescriptionOf(v1::DTYPE_FLOAT32, 3, 2), 10);
    Add(values, &of_floats);
    Statistics of_doubles(DescriptionOf(v1::DTYPE_FLOAT64, 3, 2), 10);
    Add(doubles, &of_doubles);
    Statistics of_halves(DescriptionOf(v1::DTYPE_FLOAT16, 0, 100), 10);
    Add(halves, &of_halves);
    Statistics of_brains(DescriptionOf(v1::DTYPE_BFLOAT16, 0, 100), 10);
    Add(halves, &of_brains);
    std::vector<std::vector<double>> all;
    for (const auto* each : {&of_floats, &of_doubles, &of_halves, &of_brains}) {
      all.push_back(NumbersOf(*each));
    }
    return all;
  };
  const auto best = numbers();
  EXPECT_EQ(best[0], best[1]);
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (!target.supported) continue;
    ASSERT_TRUE(ForceSimdTarget(target.name).ok());
    EXPECT_EQ(numbers(), best) << target.name;
  }
  ASSERT_TRUE(ForceSimdTarget("").ok());
}

}  // namespace
}  // namespace weightinit
