// Ten million draws of each distribution against theory. The draws are fixed,
// so a test that passes once passes always; the bounds are those at which one
// such test in about ten thousand would fail for other seeds.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

constexpr int64_t kDraws = 10'000'000;

double NormalCdf(double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }

struct StatisticsCase {
  std::string name;
  Scheme scheme;
  SchemeParameters parameters;
  // Distribution function of the values.
  std::function<double(double)> cdf;
  // Fourth standardised moment.
  double kurtosis;
};

std::vector<double> Draw(const StatisticsCase& c, Dtype dtype,
                         TensorPlan& plan) {
  TensorRequest request;
  request.seed = 2026;
  request.tensor.name = "statistics." + c.name;
  request.tensor.shape = {kDraws};
  request.tensor.scheme = c.scheme;
  request.tensor.parameters = c.parameters;
  request.tensor.dtype = dtype;
  plan = Resolve(request).value();
  TensorReader reader(plan);
  std::vector<uint8_t> bytes(static_cast<size_t>(plan.bytes));
  reader.Read(absl::MakeSpan(bytes));
  std::vector<double> values(kDraws);
  if (dtype == Dtype::kFloat64) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  } else {
    for (size_t i = 0; i < values.size(); ++i) {
      float value = 0;
      std::memcpy(&value, &bytes[4 * i], 4);
      values[i] = value;
    }
  }
  return values;
}

class StatisticsTest
    : public testing::TestWithParam<std::tuple<StatisticsCase, Dtype>> {};

TEST_P(StatisticsTest, TenMillionDrawsFollowTheory) {
  const StatisticsCase& c = std::get<0>(GetParam());
  TensorPlan plan;
  std::vector<double> values = Draw(c, std::get<1>(GetParam()), plan);
  const auto n = static_cast<double>(kDraws);

  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / n;
  double second = 0;
  double fourth = 0;
  for (const double value : values) {
    const double square = (value - mean) * (value - mean);
    second += square;
    fourth += square * square;
  }
  const double variance = second / n;
  const double kurtosis = fourth / n / (variance * variance);

  constexpr double kSigmas = 4;
  EXPECT_NEAR(mean, plan.mean, kSigmas * plan.stddev / std::sqrt(n));
  EXPECT_NEAR(variance / (plan.stddev * plan.stddev), 1,
              kSigmas * std::sqrt((c.kurtosis - 1) / n));
  // Standard errors of the sample kurtosis, for a normal and, smaller, for all
  // flatter distributions.
  EXPECT_NEAR(kurtosis, c.kurtosis, kSigmas * std::sqrt(24 / n));

  std::sort(values.begin(), values.end());
  if (plan.low.has_value()) {
    EXPECT_GE(values.front(), *plan.low);
    EXPECT_LE(values.back(), *plan.high);
  }
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = c.cdf(values[i]);
    const auto rank = static_cast<double>(i);
    distance =
        std::max({distance, expected - rank / n, (rank + 1) / n - expected});
  }
  // Kolmogorov's 1e-4 quantile.
  EXPECT_LT(distance, 2.226 / std::sqrt(n));
}

SchemeParameters Interval(double low, double high) {
  SchemeParameters parameters;
  parameters.low = low;
  parameters.high = high;
  return parameters;
}

std::function<double(double)> TruncatedCdf(double low, double high) {
  return [=](double x) {
    return (NormalCdf(x) - NormalCdf(low)) / (NormalCdf(high) - NormalCdf(low));
  };
}

INSTANTIATE_TEST_SUITE_P(
    Distributions, StatisticsTest,
    testing::Combine(
        testing::Values(
            StatisticsCase{"uniform", Scheme::kUniform, Interval(-3, 5),
                           [](double x) { return (x + 3) / 8; }, 1.8},
            StatisticsCase{"normal", Scheme::kNormal, {}, NormalCdf, 3},
            // Kurtosis: scipy.stats.truncnorm.
            StatisticsCase{"truncated", Scheme::kTruncatedNormal,
                           Interval(-2, 2), TruncatedCdf(-2, 2),
                           2.3655367171296495},
            StatisticsCase{"truncated_one_sided", Scheme::kTruncatedNormal,
                           Interval(-1, 3), TruncatedCdf(-1, 3),
                           2.794179348647254},
            StatisticsCase{"truncated_tail", Scheme::kTruncatedNormal,
                           Interval(0.5, 2.5), TruncatedCdf(0.5, 2.5),
                           2.937487164596349}),
        testing::Values(Dtype::kFloat32, Dtype::kFloat64)),
    [](const auto& info) {
      return std::get<0>(info.param).name + "_" +
             std::string(NameOf(std::get<1>(info.param)));
    });

TEST(TailTest, OfTheNormalGoesBeyondFiveSigmaAsOftenAsItShould) {
  const StatisticsCase normal{"tail", Scheme::kNormal, {}, NormalCdf, 3};
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
    TensorPlan plan;
    const std::vector<double> values = Draw(normal, dtype, plan);
    const auto beyond = [&](double sigmas) {
      return std::count_if(values.begin(), values.end(), [&](double value) {
        return std::fabs(value) > sigmas;
      });
    };
    // Of 10^7 draws theory expects 5.7 beyond 5 and 633.4 beyond 4.
    EXPECT_GE(beyond(5), 1);
    EXPECT_LE(beyond(5), 16);
    EXPECT_NEAR(static_cast<double>(beyond(4)), 633.4, 4 * 25.2);
  }
}

// The interval's ends are reached, and never passed.
TEST(TruncationTest, BoundsAreApproachedAndNeverExceeded) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {-2, 2}, {-0.1, 0.1}, {1, 1.5}, {-4, -3}, {3, 8}, {-30, 1}}) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat64}) {
      const StatisticsCase c{"bounds", Scheme::kTruncatedNormal,
                             Interval(low, high), NormalCdf, 0};
      TensorPlan plan;
      const std::vector<double> values = Draw(c, dtype, plan);
      const auto [least, most] =
          std::minmax_element(values.begin(), values.end());
      EXPECT_GE(*least, low);
      EXPECT_LE(*most, high);
      // At the denser end within a thousandth.
      if (low > -3) {
        EXPECT_LT(*least, low + 1e-3) << low << ", " << high;
      } else {
        EXPECT_GT(*most, high - 1e-3) << low << ", " << high;
      }
    }
  }
}

}  // namespace
}  // namespace weightinit
