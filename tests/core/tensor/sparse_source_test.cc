// Sparse matrices against their definition in plain loops.

#include "core/tensor/sparse_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/tensor/random_part.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

TensorRequest Request(Scheme scheme, std::vector<int64_t> shape,
                      double sparsity = 0, Layout layout = Layout::kOutIn) {
  TensorRequest request;
  request.seed = 11;
  request.tensor.name = "w";
  request.tensor.shape = std::move(shape);
  request.tensor.scheme = scheme;
  request.tensor.fan.layout = layout;
  if (scheme == Scheme::kSparse) {
    request.tensor.parameters.sparsity = sparsity;
    request.tensor.parameters.stddev = 2;
  }
  return request;
}

template <typename F>
std::vector<F> Elements(const TensorPlan& plan) {
  TensorReader reader(plan);
  std::vector<F> elements(static_cast<size_t>(plan.elements));
  reader.Read(absl::MakeSpan(reinterpret_cast<uint8_t*>(elements.data()),
                             elements.size() * sizeof(F)));
  return elements;
}

// Elements of a matrix of rows x columns, row by row.
std::vector<float> Define(int64_t rows, int64_t columns, int64_t zeros) {
  TensorRequest draws = Request(Scheme::kNormal, {rows, columns});
  draws.tensor.parameters.stddev = 2;
  std::vector<float> elements = Elements<float>(Resolve(draws).value());
  TensorRequest request = Request(Scheme::kUniform, {rows, columns});
  request.tensor.dtype = Dtype::kFloat64;
  TensorPlan plan = Resolve(request).value();
  plan.stream_key.stream ^= uint64_t{1} << 63;
  const std::vector<double> keys = Elements<double>(plan);
  for (int64_t column = 0; column < columns; ++column) {
    std::vector<std::pair<double, int64_t>> order;
    for (int64_t row = 0; row < rows; ++row) {
      order.emplace_back(keys[static_cast<size_t>(row * columns + column)],
                         row);
    }
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < static_cast<size_t>(zeros); ++i) {
      elements[static_cast<size_t>(order[i].second * columns + column)] = 0;
    }
  }
  return elements;
}

TEST(SparseSourceTest, EveryElementIsThatOfTheDefinition) {
  EXPECT_EQ(
      Elements<float>(Resolve(Request(Scheme::kSparse, {37, 21}, 0.3)).value()),
      Define(37, 21, 12));
  EXPECT_EQ(Elements<float>(Resolve(Request(Scheme::kSparse, {1, 9})).value()),
            Define(1, 9, 0));
  EXPECT_EQ(
      Elements<float>(Resolve(Request(Scheme::kSparse, {9, 1}, 1)).value()),
      std::vector<float>(9, 0));
}

// Columns are found some at a time: of so many rows, eight.
TEST(SparseSourceTest, MatricesOfMoreThanOneStepAreThoseOfTheDefinition) {
  EXPECT_EQ(Elements<float>(
                Resolve(Request(Scheme::kSparse, {40000, 19}, 0.5)).value()),
            Define(40000, 19, 20000));
}

TEST(SparseSourceTest, TheOtherLayoutIsTheTranspose) {
  const std::vector<float> whole = Define(70, 30, 21);
  const std::vector<float> transposed = Elements<float>(
      Resolve(Request(Scheme::kSparse, {30, 70}, 0.3, Layout::kInOut)).value());
  for (size_t row = 0; row < 70; ++row) {
    for (size_t column = 0; column < 30; ++column) {
      ASSERT_EQ(transposed[column * 70 + row], whole[row * 30 + column]);
    }
  }
}

TEST(SparseSourceTest, AnySliceAndRangeIsThatOfTheWhole) {
  const std::vector<float> whole = Define(70, 30, 21);
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const bool in_out = round % 2 != 0;
    TensorRequest request =
        Request(Scheme::kSparse, {in_out ? 30 : 70, in_out ? 70 : 30}, 0.3,
                in_out ? Layout::kInOut : Layout::kOutIn);
    ChoosePart(random, request);
    const TensorPlan plan = Resolve(request).value();
    std::vector<float> expected;
    for (int64_t i = 0; i < plan.elements; ++i) {
      const int64_t at = plan.first_element + i;
      const int64_t width = plan.slice[1].stop - plan.slice[1].start;
      int64_t row = plan.slice[0].start + at / width;
      int64_t column = plan.slice[1].start + at % width;
      if (in_out) std::swap(row, column);
      expected.push_back(whole[static_cast<size_t>(row * 30 + column)]);
    }
    ASSERT_EQ(Elements<float>(plan), expected) << "round " << round;
  }
}

TEST(SparseSourceTest, PreparesInPiecesAndHoldsABitForEachElement) {
  const TensorPlan plan =
      Resolve(Request(Scheme::kSparse, {4096, 1024}, 0.3)).value();
  const std::unique_ptr<ElementSource> source = MakeElementSource(plan);
  EXPECT_FALSE(source->cost().slice_is_cheaper);
  EXPECT_LT(source->cost().bytes_held, 4 << 20);
  int pieces = 1;
  while (!source->Prepare(0, 10)) ++pieces;
  EXPECT_EQ(pieces, 16);
  EXPECT_TRUE(source->Prepare(4096, 1));
}

}  // namespace
}  // namespace weightinit
