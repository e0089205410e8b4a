// Orthogonal matrices against their definition in plain loops, and against what
// theory says of them.

#include "core/tensor/orthogonal_source.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/tensor/random_part.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/orthogonal_shape.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

using Bytes = std::vector<uint8_t>;
// Rows of numbers.
using Matrix = std::vector<std::vector<double>>;

TensorRequest Request(std::vector<int64_t> shape, Dtype dtype = Dtype::kFloat64,
                      Layout layout = Layout::kOutIn, uint64_t seed = 11) {
  TensorRequest request;
  request.seed = seed;
  request.tensor.name = "w";
  request.tensor.shape = std::move(shape);
  request.tensor.scheme = Scheme::kNormal;
  request.tensor.dtype = dtype;
  request.tensor.fan.layout = layout;
  return request;
}

// The plan of another matrix, also where no scheme offers it.
TensorPlan Orthogonal(TensorPlan plan, Structure structure, double gain) {
  plan.structure = structure;
  plan.gain = gain;
  return plan;
}

// The vectors of the reflections, rows x width, and the sign of each row.
void DefineReflections(int64_t rows, int64_t width, Matrix* vectors,
                       std::vector<double>* signs) {
  TensorReader reader(Resolve(Request({rows, width}, Dtype::kFloat32)).value());
  std::vector<float> draws(static_cast<size_t>(rows * width));
  Bytes bytes(draws.size() * sizeof(float));
  reader.Read(absl::MakeSpan(bytes));
  std::memcpy(draws.data(), bytes.data(), bytes.size());
  for (size_t k = 0; k < static_cast<size_t>(rows); ++k) {
    std::vector<double> v(static_cast<size_t>(width), 0.0);
    double squares = 0;
    for (size_t c = k; c < v.size(); ++c) {
      v[c] = static_cast<double>(draws[k * v.size() + c]) + 0.0;
      squares += v[c] * v[c];
    }
    const double length = std::sqrt(squares);
    const double factor = 1 / std::sqrt(squares + length * std::fabs(v[k]));
    signs->push_back(v[k] < 0 ? 1 : -1);
    v[k] = v[k] < 0 ? v[k] - length : v[k] + length;
    for (double& number : v) number *= factor;
    vectors->push_back(std::move(v));
  }
}

double Product(const std::vector<double>& a, const std::vector<double>& b,
               size_t first) {
  double sum = 0;
  for (size_t c = first; c < a.size(); ++c) sum += a[c] * b[c];
  return sum;
}

// The matrix of the shorter dimension as rows, one row after the other.
Matrix Define(int64_t rows, int64_t width, double gain) {
  Matrix v;
  std::vector<double> signs;
  DefineReflections(rows, width, &v, &signs);
  while (v.size() % 4 != 0) {
    v.emplace_back(static_cast<size_t>(width), 0.0);  // No reflection.
  }
  Matrix matrix;
  for (size_t i = 0; i < static_cast<size_t>(rows); ++i) {
    std::vector<double> x(static_cast<size_t>(width), 0.0);
    x[i] = 1;
    for (size_t end = i / 4 * 4 + 4; end > 0; end -= 4) {
      const size_t f = end - 4;
      double s[4];
      for (size_t j = 0; j < 4; ++j) s[j] = Product(x, v[f + j], f);
      const auto p = [&](size_t a, size_t b) {
        return Product(v[f + a], v[f + b], f);
      };
      const double t3 = s[3];
      const double t2 = s[2] - t3 * p(2, 3);
      const double t1 = s[1] - t3 * p(1, 3) - t2 * p(1, 2);
      const double t0 = s[0] - t3 * p(0, 3) - t2 * p(0, 2) - t1 * p(0, 1);
      for (size_t c = f; c < x.size(); ++c) {
        x[c] = x[c] - t3 * v[f + 3][c] - t2 * v[f + 2][c] - t1 * v[f + 1][c] -
               t0 * v[f][c];
      }
    }
    for (double& number : x) number *= signs[i] * gain;
    matrix.push_back(std::move(x));
  }
  return matrix;
}

// Element (first, second, place) of the tensor with `places` places.
double Expected(const Matrix& matrix, Structure where, int64_t places,
                int64_t centre, int64_t first, int64_t second, int64_t place,
                bool tall) {
  int64_t column = second;
  if (where == Structure::kOrthogonalCentre) {
    if (place != centre) return 0;
  } else {
    column = second * places + place;
  }
  const auto row = static_cast<size_t>(tall ? column : first);
  return matrix[row][static_cast<size_t>(tall ? first : column)];
}

// What is to be delivered of `plan`, in float64.
std::vector<double> ExpectedElements(const TensorPlan& plan, Structure where,
                                     double gain) {
  const size_t rank = plan.shape.size();
  const bool in_out = plan.layout == Layout::kInOut;
  const size_t first = in_out ? rank - 1 : 0;
  const size_t second = in_out ? rank - 2 : 1;
  int64_t places = 1;
  int64_t centre = 0;
  for (size_t d = 0; d < rank; ++d) {
    if (d == first || d == second) continue;
    places *= plan.shape[d];
    centre = centre * plan.shape[d] + plan.shape[d] / 2;
  }
  const int64_t rows = plan.shape[first];
  const int64_t columns =
      plan.shape[second] * (where == Structure::kOrthogonal ? places : 1);
  const Matrix matrix =
      Define(std::min(rows, columns), std::max(rows, columns), gain);
  const std::vector<int64_t> sizes = plan.SliceShape();
  std::vector<double> elements;
  for (int64_t i = 0; i < plan.elements; ++i) {
    std::vector<int64_t> index(rank);
    int64_t rest = plan.first_element + i;
    for (size_t d = rank; d-- > 0;) {
      index[d] = plan.slice[d].start + rest % sizes[d];
      rest /= sizes[d];
    }
    int64_t place = 0;
    for (size_t d = 0; d < rank; ++d) {
      if (d != first && d != second) place = place * plan.shape[d] + index[d];
    }
    elements.push_back(Expected(matrix, where, places, centre, index[first],
                                index[second], place, rows > columns));
  }
  return elements;
}

std::vector<double> ReadInOrder(OrthogonalSource& source,
                                const TensorPlan& plan, int64_t count) {
  std::vector<double> elements(static_cast<size_t>(plan.elements));
  Bytes bytes(elements.size() * sizeof(double));
  for (int64_t at = 0; at < plan.elements; at += count) {
    source.Read(plan.first_element + at, std::min(count, plan.elements - at),
                bytes.data() + at * int64_t{sizeof(double)});
  }
  std::memcpy(elements.data(), bytes.data(), bytes.size());
  return elements;
}

const std::vector<std::vector<int64_t>>& Shapes() {
  static const auto& shapes = *new std::vector<std::vector<int64_t>>{
      {1, 1},    {1, 7},     {7, 1},       {4, 4},        {5, 5},      {37, 37},
      {3, 50},   {50, 3},    {33, 70},     {70, 33},      {16, 16},    {17, 19},
      {6, 5, 3}, {40, 2, 3}, {6, 6, 3, 3}, {20, 3, 3, 1}, {3, 3, 6, 6}};
  return shapes;
}

TEST(OrthogonalSourceTest, EveryElementIsThatOfTheDefinition) {
  for (const std::vector<int64_t>& shape : Shapes()) {
    for (const Layout layout : {Layout::kOutIn, Layout::kInOut}) {
      const TensorPlan plan =
          Resolve(Request(shape, Dtype::kFloat64, layout)).value();
      const auto expected = ExpectedElements(plan, Structure::kOrthogonal, 1.5);
      for (const int64_t limit : {0, 3 << 20}) {
        for (const int64_t count : {1, 29, 1 << 20}) {
          OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 1.5),
                                  limit);
          ASSERT_EQ(ReadInOrder(source, plan, count), expected)
              << testing::PrintToString(shape) << " holding " << limit
              << ", read by " << count;
        }
      }
    }
  }
}

TEST(OrthogonalSourceTest, AroundTheCentreOfAKernelIsZero) {
  const std::vector<std::vector<int64_t>> shapes = {
      {5, 5, 3}, {9, 4, 3, 3}, {4, 4, 3, 3}, {6, 2, 1, 3, 5}, {3, 3, 4, 9}};
  for (const std::vector<int64_t>& shape : shapes) {
    for (const Layout layout : {Layout::kOutIn, Layout::kInOut}) {
      const TensorPlan plan =
          Resolve(Request(shape, Dtype::kFloat64, layout)).value();
      OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonalCentre, 1),
                              1 << 20);
      ASSERT_EQ(ReadInOrder(source, plan, 31),
                ExpectedElements(plan, Structure::kOrthogonalCentre, 1))
          << testing::PrintToString(shape);
    }
  }
}

TEST(OrthogonalSourceTest, AnySliceAndRangeIsThatOfTheWhole) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    TensorRequest request = Request(
        Shapes()[static_cast<size_t>(round) % Shapes().size()], Dtype::kFloat64,
        round % 2 == 0 ? Layout::kOutIn : Layout::kInOut);
    ChoosePart(random, request);
    const TensorPlan plan = Resolve(request).value();
    for (const Structure where :
         {Structure::kOrthogonal, Structure::kOrthogonalCentre}) {
      OrthogonalSource source(Orthogonal(plan, where, 1), 3 << 20);
      ASSERT_EQ(ReadInOrder(source, plan, 1 + Below(40, random)),
                ExpectedElements(plan, where, 1))
          << testing::PrintToString(request.tensor.shape) << ", round "
          << round;
    }
  }
}

TEST(OrthogonalSourceTest, AnyOrderOfReadsGivesTheSameElements) {
  const TensorPlan plan = Resolve(Request({90, 100})).value();
  const auto expected = ExpectedElements(plan, Structure::kOrthogonal, 1);
  // Room for two tiles.
  OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 1),
                          1080 << 10);
  std::mt19937 random(9);
  for (int round = 0; round < 300; ++round) {
    const auto first = static_cast<int64_t>(random() % 9000);
    const int64_t count =
        1 + static_cast<int64_t>(random()) % (9000 - first) % 3000;
    std::vector<double> elements(static_cast<size_t>(count));
    source.Read(first, count, reinterpret_cast<uint8_t*>(elements.data()));
    ASSERT_TRUE(
        std::equal(elements.begin(), elements.end(), expected.begin() + first))
        << first << ", " << count;
  }
}

TEST(OrthogonalSourceTest, EveryInstructionSetMakesTheSameBits) {
  const TensorPlan plan = Resolve(Request({70, 130})).value();
  const auto expected = ExpectedElements(plan, Structure::kOrthogonal, 1);
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (!target.supported) continue;
    ASSERT_TRUE(ForceSimdTarget(target.name).ok());
    OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 1),
                            1 << 20);
    EXPECT_EQ(ReadInOrder(source, plan, 1000), expected) << target.name;
  }
  ASSERT_TRUE(ForceSimdTarget("").ok());
}

TEST(OrthogonalSourceTest, Float64RoundsToTheOtherDtypes) {
  const std::vector<double> expected = ExpectedElements(
      Resolve(Request({20, 30})).value(), Structure::kOrthogonal, 1);
  const TensorPlan plan = Resolve(Request({20, 30}, Dtype::kFloat32)).value();
  OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 1), 1 << 20);
  std::vector<float> elements(600);
  source.Read(0, 600, reinterpret_cast<uint8_t*>(elements.data()));
  for (size_t i = 0; i < 600; ++i) {
    EXPECT_EQ(elements[i], static_cast<float>(expected[i]));
  }
}

TEST(OrthogonalSourceTest, WhatIsPreparedIsReadAtOnce) {
  for (const std::vector<int64_t>& shape : Shapes()) {
    const TensorPlan plan = Resolve(Request(shape)).value();
    OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 1),
                            3 << 20);
    while (!source.Prepare(0, plan.elements)) {
    }
    EXPECT_TRUE(source.Prepare(0, plan.elements));
    EXPECT_EQ(ReadInOrder(source, plan, plan.elements),
              ExpectedElements(plan, Structure::kOrthogonal, 1));
  }
}

TEST(OrthogonalSourceTest, SlicesAlongTheShorterDimensionCostTheirShare) {
  const auto cost = [](std::vector<int64_t> shape, Layout layout) {
    const TensorPlan plan =
        Resolve(Request(std::move(shape), Dtype::kFloat32, layout)).value();
    return OrthogonalSource(Orthogonal(plan, Structure::kOrthogonal, 1),
                            20 << 20)
        .cost();
  };
  for (const SourceCost& cheap :
       {cost({2048, 2048}, Layout::kOutIn), cost({1024, 2048}, Layout::kOutIn),
        // (in, out) is the transpose of (out, in), which has more rows.
        cost({1024, 2048}, Layout::kInOut)}) {
    EXPECT_TRUE(cheap.slice_is_cheaper);
    EXPECT_LE(cheap.bytes_held, 20 << 20);
    EXPECT_EQ(cheap.unit_elements % 2048, 0);
  }
  for (const SourceCost& whole :
       {cost({2048, 2048}, Layout::kInOut), cost({2048, 1024}, Layout::kOutIn),
        cost({2048, 1024}, Layout::kInOut)}) {
    EXPECT_FALSE(whole.slice_is_cheaper);
    EXPECT_GE(whole.bytes_held, 8 << 20);
  }
}

TEST(OrthogonalSourceTest, RowsCostFourOperationsForEachElementOfTheirVectors) {
  double operations = 0;
  for (int64_t row = 20; row < 50; ++row) {
    for (int64_t k = 0; k <= row; ++k) {
      operations += 4 * static_cast<double>(70 - k);
    }
  }
  EXPECT_NEAR(OrthogonalOperations(20, 50, 70), operations, 1e-6);
}

TEST(OrthogonalSourceTest, RowsAreOrthonormalTimesTheGain) {
  const TensorPlan plan = Resolve(Request({200, 300})).value();
  OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 3),
                          20 << 20);
  const std::vector<double> q = ReadInOrder(source, plan, plan.elements);
  for (size_t i = 0; i < 200; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double product = 0;
      for (size_t c = 0; c < 300; ++c) {
        product += q[i * 300 + c] * q[j * 300 + c];
      }
      ASSERT_NEAR(product, i == j ? 9 : 0, 1e-12) << i << ", " << j;
    }
  }
}

// Of a 3 x 3 matrix, row by row.
double Determinant(const std::vector<double>& m) {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) -
         m[1] * (m[3] * m[8] - m[5] * m[6]) +
         m[2] * (m[3] * m[7] - m[4] * m[6]);
}

// Diaconis & Shahshahani 1994: of Haar's distribution on O(n), the trace has
// mean 0 and variance 1, and that of the square mean 1 and variance 2. An entry
// of a 3 x 3 matrix is uniform on [-1, 1].
TEST(OrthogonalSourceTest, MatricesOfManySeedsHaveHaarsDistribution) {
  constexpr int kSeeds = 20000;
  int positive = 0;
  double trace_sum = 0;
  double trace_squares = 0;
  double square_sum = 0;
  std::vector<std::vector<double>> entries(9);
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const TensorPlan plan =
        Resolve(Request({3, 3}, Dtype::kFloat64, Layout::kOutIn, seed)).value();
    OrthogonalSource source(Orthogonal(plan, Structure::kOrthogonal, 1),
                            1 << 20);
    const std::vector<double> q = ReadInOrder(source, plan, 9);
    for (size_t i = 0; i < 9; ++i) entries[i].push_back(q[i]);
    positive += Determinant(q) > 0 ? 1 : 0;
    const double trace = q[0] + q[4] + q[8];
    trace_sum += trace;
    trace_squares += trace * trace;
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < 3; ++j) square_sum += q[3 * i + j] * q[3 * j + i];
    }
  }
  // Each within five standard errors.
  const double root = std::sqrt(static_cast<double>(kSeeds));
  EXPECT_NEAR(positive, 0.5 * kSeeds, 2.5 * root);
  EXPECT_NEAR(trace_sum / kSeeds, 0, 5 / root);
  EXPECT_NEAR(trace_squares / kSeeds, 1, 5 * std::sqrt(2.0) / root);
  EXPECT_NEAR(square_sum / kSeeds, 1, 5 * std::sqrt(3.0) / root);
  for (std::vector<double>& entry : entries) {
    std::sort(entry.begin(), entry.end());
    double distance = 0;  // Kolmogorov and Smirnov's.
    for (size_t i = 0; i < entry.size(); ++i) {
      distance = std::max(distance, std::fabs(0.5 * (entry[i] + 1) -
                                              static_cast<double>(i) / kSeeds));
    }
    EXPECT_LT(distance, 2.2 / root);
  }
}

}  // namespace
}  // namespace weightinit
