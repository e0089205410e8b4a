// Requests for matrices that are not drawn element by element: what is refused,
// what theory says of the others, and what they cost.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

TensorRequest Request(Scheme scheme, std::vector<int64_t> shape,
                      Layout layout = Layout::kOutIn, int64_t groups = 0) {
  TensorRequest request;
  request.tensor.name = "w";
  request.tensor.scheme = scheme;
  request.tensor.shape = std::move(shape);
  request.tensor.fan.layout = layout;
  request.tensor.fan.groups = groups;
  if (scheme == Scheme::kSparse) request.tensor.parameters.sparsity = 0.3;
  return request;
}

// The only violation of a request, as "field: description".
std::string ViolationOf(const TensorRequest& request) {
  const absl::Status status = Resolve(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::vector<Violation> violations = GetViolations(status);
  EXPECT_EQ(violations.size(), 1U) << status;
  return violations.empty()
             ? ""
             : violations[0].field + ": " + violations[0].description;
}

TEST(MatrixViolationsTest, RankIsThatOfTheScheme) {
  EXPECT_EQ(ViolationOf(Request(Scheme::kIdentity, {10})),
            "tensor.shape: has rank 1; must be 2 for identity");
  EXPECT_EQ(ViolationOf(Request(Scheme::kDirac, {10, 10})),
            "tensor.shape: has rank 2; must be from 3 to 5 for dirac, which is "
            "for convolutions");
  EXPECT_EQ(ViolationOf(Request(Scheme::kOrthogonal, {10})),
            "tensor.shape: has rank 1; must be at least 2 for orthogonal");
  EXPECT_EQ(ViolationOf(Request(Scheme::kDeltaOrthogonal, {4, 4})),
            "tensor.shape: has rank 2; must be from 3 to 5 for "
            "delta_orthogonal, which is for convolutions");
  EXPECT_EQ(ViolationOf(Request(Scheme::kSparse, {4, 4, 3})),
            "tensor.shape: has rank 3; must be 2 for sparse");
}

TEST(MatrixViolationsTest, GroupsAreRefusedWhereTheMatrixHasNone) {
  EXPECT_EQ(
      ViolationOf(Request(Scheme::kIdentity, {10, 10}, Layout::kOutIn, 2)),
      "tensor.fan.groups: is 2; must be 1 for identity");
  EXPECT_EQ(ViolationOf(Request(Scheme::kDeltaOrthogonal, {4, 4, 3},
                                Layout::kOutIn, 2)),
            "tensor.fan.groups: is 2; must be 1 for delta_orthogonal");
  EXPECT_EQ(ViolationOf(Request(Scheme::kSparse, {4, 4}, Layout::kOutIn, 2)),
            "tensor.fan.groups: is 2; must be 1 for sparse");
  EXPECT_THAT(
      ViolationOf(Request(Scheme::kDirac, {10, 10, 3}, Layout::kOutIn, 3)),
      HasSubstr("tensor.fan.groups: is 3; must divide"));
  EXPECT_TRUE(
      Resolve(Request(Scheme::kOrthogonal, {4, 4, 3}, Layout::kOutIn, 2)).ok());
}

TEST(MatrixViolationsTest, DeltaOrthogonalNeedsACentreAndRoomForItsInputs) {
  EXPECT_EQ(ViolationOf(Request(Scheme::kDeltaOrthogonal, {4, 8, 3})),
            "tensor.shape: has 8 inputs and 4 outputs; delta_orthogonal must "
            "have no more inputs than outputs");
  EXPECT_EQ(
      ViolationOf(Request(Scheme::kDeltaOrthogonal, {3, 8, 4}, Layout::kInOut)),
      "tensor.shape: has 8 inputs and 4 outputs; delta_orthogonal must "
      "have no more inputs than outputs");
  EXPECT_EQ(ViolationOf(Request(Scheme::kDeltaOrthogonal, {8, 8, 3, 2})),
            "tensor.shape[3]: is 2; must be odd for delta_orthogonal, so that "
            "the kernel has a centre");
  EXPECT_EQ(ViolationOf(Request(Scheme::kDeltaOrthogonal, {4, 3, 8, 8},
                                Layout::kInOut)),
            "tensor.shape[0]: is 4; must be odd for delta_orthogonal, so that "
            "the kernel has a centre");
}

TEST(MatrixViolationsTest, GainIsFiniteInTheDtype) {
  for (const Scheme scheme : {Scheme::kIdentity, Scheme::kOrthogonal}) {
    TensorRequest request = Request(scheme, {10, 10});
    request.tensor.dtype = Dtype::kFloat16;
    request.tensor.parameters.gain = 1e6;
    EXPECT_THAT(ViolationOf(request), HasSubstr("tensor.parameters.gain: "));
    EXPECT_THAT(ViolationOf(request), HasSubstr("finite in float16"));
  }
}

TEST(MatrixViolationsTest, SparsityIsAShare) {
  TensorRequest request = Request(Scheme::kSparse, {10, 10});
  for (const double bad : {-0.1, 1.5}) {
    request.tensor.parameters.sparsity = bad;
    EXPECT_THAT(ViolationOf(request),
                HasSubstr("tensor.parameters.sparsity: is "));
    EXPECT_THAT(ViolationOf(request), HasSubstr("must be from 0 to 1"));
  }
  request.tensor.parameters.sparsity = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ViolationOf(request), HasSubstr("must be finite"));
  request.tensor.parameters.sparsity = std::nullopt;
  EXPECT_EQ(ViolationOf(request),
            "tensor.parameters.sparsity: is required by the scheme sparse");
}

TEST(MatrixTheoryTest, OfAnOrthogonalMatrixEachVectorHasTheLengthGain) {
  TensorRequest request = Request(Scheme::kOrthogonal, {10, 5, 8});
  request.tensor.parameters.gain = 3;
  const TensorPlan plan = Resolve(request).value();
  EXPECT_DOUBLE_EQ(plan.stddev * plan.stddev * 40, 9);
  EXPECT_EQ(plan.low, -3);
  EXPECT_EQ(plan.high, 3);
  EXPECT_EQ(plan.gain, 3);
  EXPECT_FALSE(plan.drawn());
}

TEST(MatrixTheoryTest, OfDeltaOrthogonalMostIsZero) {
  const TensorPlan plan =
      Resolve(Request(Scheme::kDeltaOrthogonal, {10, 5, 3, 3})).value();
  // Of 10 x 5 x 9 elements the squares add up to the 5 vectors' lengths.
  EXPECT_DOUBLE_EQ(plan.stddev * plan.stddev * 450, 5);
}

TEST(MatrixTheoryTest, SparseRoundsTheZerosOfAColumnUp) {
  const TensorPlan plan = Resolve(Request(Scheme::kSparse, {11, 5})).value();
  EXPECT_EQ(plan.zeros_per_column, 4);  // 3.3.
  EXPECT_DOUBLE_EQ(plan.stddev * plan.stddev, 1e-4 * 7 / 11);
  EXPECT_EQ(plan.parameters.stddev, 0.01);
  // Rows are the outputs, in the other layout too.
  EXPECT_EQ(Resolve(Request(Scheme::kSparse, {5, 11}, Layout::kInOut))
                .value()
                .zeros_per_column,
            4);
}

TEST(MatrixTheoryTest, OfNoElementsIsZero) {
  for (const Scheme scheme : {Scheme::kOrthogonal, Scheme::kSparse}) {
    const TensorPlan plan = Resolve(Request(scheme, {0, 5})).value();
    EXPECT_EQ(plan.stddev, 0);
    EXPECT_EQ(plan.operations, 0);
  }
}

int64_t Operations(std::vector<int64_t> shape,
                   std::vector<DimensionRange> slice,
                   Layout layout = Layout::kOutIn) {
  TensorRequest request =
      Request(Scheme::kOrthogonal, std::move(shape), layout);
  request.slice = std::move(slice);
  return Resolve(request).value().operations;
}

TEST(MatrixCostTest, IsThatOfTheSlicesPartOfTheShorterDimension) {
  const int64_t whole = Operations({60, 90}, {});
  EXPECT_NEAR(static_cast<double>(whole), 2 * 60 * 61 * (90 - 59 / 3.0), 1);
  EXPECT_EQ(Operations({90, 60}, {}), whole);
  EXPECT_EQ(Operations({60, 90}, {}, Layout::kInOut), whole);
  EXPECT_EQ(Operations({60, 6, 15}, {}), whole);
  const int64_t part = Operations({60, 90}, {{20, 30}, {}});
  EXPECT_LT(part, whole / 4);
  EXPECT_EQ(Operations({60, 90}, {{20, 30}, {5, 6}}), part);
  EXPECT_EQ(Operations({90, 60}, {{5, 6}, {20, 30}}), part);
  EXPECT_EQ(Operations({90, 60}, {{5, 6}, {}}), whole);
  EXPECT_EQ(Operations({60, 90}, {{20, 20}, {}}), 0);
  EXPECT_EQ(Operations({60, 90}, {{20, 30}, {7, 7}}), 0);
  // Of (first, second, places), the columns from the first place to the last.
  EXPECT_EQ(Operations({90, 12, 5}, {{}, {2, 3}, {1, 4}}),
            Operations({90, 60}, {{}, {11, 14}}));
}

TEST(MatrixCostTest, IsTheSumOfThePartsThatTheSliceTakes) {
  TensorRequest request = Request(Scheme::kOrthogonal, {2, 30, 40});
  request.tensor.concatenation.stacked = true;
  request.tensor.concatenation.parts.resize(2);
  request.tensor.concatenation.parts[0].name = "a";
  request.tensor.concatenation.parts[1].name = "b";
  const int64_t one = Operations({30, 40}, {});
  EXPECT_EQ(Resolve(request).value().operations, 2 * one);
  request.slice = {{1, 2}, {}, {}};
  EXPECT_EQ(Resolve(request).value().operations, one);
}

TEST(MatrixCostTest, AboveTheLimitIsRefusedButNotASmallerSlice) {
  TensorRequest request = Request(Scheme::kOrthogonal, {1 << 15, 1 << 15});
  const absl::Status status = Resolve(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(GetViolations(status).size(), 1U);
  EXPECT_EQ(GetViolations(status)[0].field, "tensor.shape");
  EXPECT_THAT(
      GetViolations(status)[0].description,
      HasSubstr("must take at most 10000000000000, the limit in force"));
  request.slice = {{0, 4096}, {}};
  EXPECT_TRUE(Resolve(request).ok());
  request.slice.clear();
  Limits limits;
  limits.max_operations = std::numeric_limits<int64_t>::max();
  EXPECT_TRUE(Resolve(request, limits).ok());
  // Nor does a matrix that could never be made overflow.
  limits.max_operations = 1;
  request.tensor.shape = {1 << 19, 1 << 20};
  EXPECT_FALSE(Resolve(request, limits).ok());
}

}  // namespace
}  // namespace weightinit
