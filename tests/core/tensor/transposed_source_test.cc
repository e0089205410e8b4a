// IN_OUT tensors against their OUT_IN tensors, moved element by element.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/element_source.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

using Bytes = std::vector<uint8_t>;

// Of an IN_OUT tensor.
TensorRequest Request(std::vector<int64_t> shape, Dtype dtype) {
  TensorRequest request;
  request.seed = 11;
  request.tensor.name = "w";
  request.tensor.shape = std::move(shape);
  request.tensor.scheme = Scheme::kNormal;
  request.tensor.dtype = dtype;
  request.tensor.fan.layout = Layout::kInOut;
  return request;
}

Bytes ReadAll(const TensorRequest& request) {
  TensorReader reader(Resolve(request).value());
  Bytes bytes(static_cast<size_t>(reader.plan().bytes));
  reader.Read(absl::MakeSpan(bytes));
  return bytes;
}

// What `request` asks for, from the OUT_IN tensor of the same name.
Bytes Expected(const TensorRequest& request) {
  const std::vector<int64_t>& shape = request.tensor.shape;
  const size_t rank = shape.size();
  TensorRequest out_in = request;
  out_in.tensor.fan.layout = Layout::kOutIn;
  out_in.slice = {};
  out_in.tensor.shape = {shape[rank - 1], shape[rank - 2]};
  out_in.tensor.shape.insert(out_in.tensor.shape.end(), shape.begin(),
                             shape.end() - 2);
  const Bytes whole = ReadAll(out_in);
  const auto bytes = static_cast<size_t>(DtypeBytes(request.tensor.dtype));

  const TensorPlan plan = Resolve(request).value();
  const std::vector<int64_t> sizes = plan.SliceShape();
  Bytes moved;
  for (int64_t position = 0; position < plan.elements; ++position) {
    std::vector<int64_t> index(rank);
    int64_t rest = position;
    for (size_t d = rank; d-- > 0;) {
      index[d] = plan.slice[d].start + rest % sizes[d];
      rest /= sizes[d];
    }
    int64_t at = index[rank - 1] * shape[rank - 2] + index[rank - 2];
    for (size_t d = 0; d < rank - 2; ++d) at = at * shape[d] + index[d];
    const uint8_t* const from = &whole[static_cast<size_t>(at) * bytes];
    moved.insert(moved.end(), from, from + bytes);
  }
  return moved;
}

// The bytes of `plan` that `source` makes in reads of `counts` in turn.
Bytes ReadInOrder(ElementSource& source, const TensorPlan& plan,
                  const std::vector<int64_t>& counts) {
  const int64_t bytes = DtypeBytes(plan.dtype);
  Bytes read(static_cast<size_t>(plan.elements * bytes));
  size_t turn = 0;
  for (int64_t at = 0; at < plan.elements; ++turn) {
    const int64_t n =
        std::min(counts[turn % counts.size()], plan.elements - at);
    source.Read(plan.first_element + at, n, read.data() + at * bytes);
    at += n;
  }
  return read;
}

class TransposedTest : public testing::TestWithParam<Dtype> {};

const std::vector<std::vector<int64_t>>& Shapes() {
  static const auto& shapes = *new std::vector<std::vector<int64_t>>{
      {1, 2},         {2, 1},         {300, 70},         {37, 211},
      {515, 3},       {3, 1025},      {5, 33, 67},       {1, 64, 65},
      {3, 3, 20, 36}, {3, 2, 1, 99},  // Each group has a channel.
      {3, 3, 99, 1},                  // Transposed, the same.
      {7, 5, 3, 17},  {1, 1, 30, 50}, {2, 3, 3, 12, 18}, {150, 4, 3},
      {40, 30, 2, 3}};
  return shapes;
}

TEST_P(TransposedTest, EveryShapeIsTheTransposeOfOutInWhateverIsHeld) {
  for (const std::vector<int64_t>& shape : Shapes()) {
    const TensorRequest request = Request(shape, GetParam());
    const TensorPlan plan = Resolve(request).value();
    const Bytes expected = Expected(request);
    for (const int64_t limit : {0, 1000, 5000, 20000, 1 << 20}) {
      for (const int64_t count : {1, 7, 64, 1000, 1 << 20}) {
        const auto source = MakeElementSource(plan, limit);
        ASSERT_EQ(ReadInOrder(*source, plan, {count}), expected)
            << testing::PrintToString(shape) << " holding " << limit
            << ", read by " << count;
      }
    }
  }
}

TEST_P(TransposedTest, ResumesInTheMiddleOfAUnit) {
  TensorRequest request = Request({3, 3, 20, 36}, GetParam());
  const Bytes whole = Expected(request);
  for (const int64_t first : {1, 35, 36, 719, 721, 3000, 6479}) {
    request.first_element = first;
    const TensorPlan plan = Resolve(request).value();
    for (const int64_t limit : {0, 7000, 1 << 20}) {
      const auto source = MakeElementSource(plan, limit);
      ASSERT_EQ(
          ReadInOrder(*source, plan, {5, 100}),
          Bytes(whole.begin() + first * DtypeBytes(GetParam()), whole.end()))
          << first;
    }
  }
}

TEST_P(TransposedTest, SlicesAreThoseOfTheTranspose) {
  std::mt19937 random(3);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  for (int trial = 0; trial < 200; ++trial) {
    const std::vector<int64_t>& shape =
        Shapes()[static_cast<size_t>(trial) % Shapes().size()];
    TensorRequest request = Request(shape, GetParam());
    for (const int64_t size : shape) {
      const int64_t start = below(size);
      // A third of the dimensions whole.
      if (below(3) == 0) {
        request.slice.push_back({});
      } else {
        request.slice.push_back({start, start + 1 + below(size - start)});
      }
    }
    const TensorPlan plan = Resolve(request).value();
    const auto source = MakeElementSource(plan, below(2) * below(20000));
    ASSERT_EQ(ReadInOrder(*source, plan, {1 + below(500), 1 + below(3000)}),
              Expected(request))
        << "trial " << trial << " of shape " << testing::PrintToString(shape);
  }
}

TEST_P(TransposedTest, ReadsAtRandomPositionsGiveTheSameBytes) {
  std::mt19937 random(5);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  const int64_t bytes = DtypeBytes(GetParam());
  for (const std::vector<int64_t>& shape : Shapes()) {
    const TensorRequest request = Request(shape, GetParam());
    const TensorPlan plan = Resolve(request).value();
    const Bytes expected = Expected(request);
    for (const int64_t limit : {0, 6000, 1 << 20}) {
      const auto source = MakeElementSource(plan, limit);
      int64_t end = 0;  // Of the read before.
      for (int i = 0; i < 60; ++i) {
        // Half of them go on where the one before ended.
        const int64_t position =
            i % 2 == 0 && end < plan.elements ? end : below(plan.elements);
        const int64_t count =
            1 + below(std::min(plan.elements - position, int64_t{3000}));
        // What lies behind it is not written.
        Bytes read(static_cast<size_t>(count * bytes) + 16, 0xEE);
        source->Read(position, count, read.data());
        Bytes wanted(expected.begin() + position * bytes,
                     expected.begin() + (position + count) * bytes);
        wanted.insert(wanted.end(), 16, 0xEE);
        ASSERT_EQ(read, wanted)
            << testing::PrintToString(shape) << " at " << position;
        end = position + count;
      }
    }
  }
}

TEST_P(TransposedTest, SourcesThatShareTheWorkAtUnitsMakeTheWhole) {
  const TensorRequest request = Request({3, 3, 20, 36}, GetParam());
  const TensorPlan plan = Resolve(request).value();
  const int64_t bytes = DtypeBytes(GetParam());
  Bytes read(static_cast<size_t>(plan.bytes));
  int64_t parts = 0;
  for (int64_t at = 0; at < plan.elements; ++parts) {
    // Room for four of nine planes; units of equal size have three.
    const auto source = MakeElementSource(plan, bytes * 4 * 20 * 36);
    const int64_t n =
        std::min(source->cost().unit_elements, plan.elements - at);
    source->Read(at, n, read.data() + at * bytes);
    at += n;
  }
  EXPECT_EQ(parts, 3);
  EXPECT_EQ(read, Expected(request));
}

INSTANTIATE_TEST_SUITE_P(Dtypes, TransposedTest,
                         testing::Values(Dtype::kFloat32, Dtype::kFloat64,
                                         Dtype::kFloat16, Dtype::kBfloat16),
                         [](const auto& info) {
                           return std::string(NameOf(info.param));
                         });

TEST(TransposedTargetTest, EverySimdTargetMakesTheSameBytes) {
  for (const auto& shape : Shapes()) {
    const TensorRequest request = Request(shape, Dtype::kFloat32);
    const Bytes expected = Expected(request);
    for (const SimdTarget& target : KnownSimdTargets()) {
      if (!target.supported) continue;
      ASSERT_TRUE(ForceSimdTarget(target.name).ok());
      EXPECT_EQ(ReadAll(request), expected) << target.name;
    }
    ASSERT_TRUE(ForceSimdTarget("").ok());
  }
}

TEST(TransposedCostTest, StaysBelowTheLimitAndTellsWhatIsHeld) {
  const std::vector<std::vector<int64_t>> shapes = {
      {4096, 4096},       {768, 50257},    {4, 1 << 24},  {3, 3, 512, 512},
      {3, 3, 4096, 4096}, {1000000, 3, 5}, {3, 3, 1, 512}};
  for (const auto& shape : shapes) {
    const TensorPlan plan = Resolve(Request(shape, Dtype::kFloat32)).value();
    for (const int64_t limit :
         {int64_t{0}, int64_t{1} << 20, int64_t{16} << 20, int64_t{1} << 30}) {
      const SourceCost cost = MakeElementSource(plan, limit)->cost();
      EXPECT_LE(cost.bytes_held, limit) << testing::PrintToString(shape);
      EXPECT_TRUE(cost.slice_is_cheaper);
      EXPECT_GE(cost.unit_elements, 1);
      EXPECT_LE(cost.unit_elements, plan.elements);
      if (cost.bytes_held > 0) {
        EXPECT_EQ(cost.bytes_held, cost.unit_elements * 4);
      }
    }
  }
}

TEST(TransposedCostTest, AConvolutionThatFitsIsHeldWhole) {
  const TensorPlan plan =
      Resolve(Request({3, 3, 512, 512}, Dtype::kFloat64)).value();
  const SourceCost cost = MakeElementSource(plan)->cost();
  EXPECT_EQ(cost.bytes_held, plan.bytes);
  EXPECT_EQ(cost.unit_elements, plan.elements);
}

TEST(TransposedCostTest, NothingIsHeldOfWhatIsInOrderOrConstant) {
  TensorRequest request = Request({3, 3, 64, 64}, Dtype::kFloat32);
  request.tensor.scheme = Scheme::kOnes;
  EXPECT_EQ(MakeElementSource(Resolve(request).value())->cost().bytes_held, 0);
  request = Request({1, 1, 4096}, Dtype::kFloat32);
  EXPECT_EQ(MakeElementSource(Resolve(request).value())->cost().bytes_held, 0);
  request = Request({4096, 1}, Dtype::kFloat32);
  EXPECT_EQ(MakeElementSource(Resolve(request).value())->cost().bytes_held, 0);
}

}  // namespace
}  // namespace weightinit
