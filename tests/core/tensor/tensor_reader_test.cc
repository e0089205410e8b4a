// Properties that hold for every shape, slice, layout, dtype and cut.

#include "weightinit/core/tensor_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"

namespace weightinit {
namespace {

TensorPlan Plan(const TensorRequest& request) {
  const auto plan = Resolve(request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.value();
}

std::vector<uint8_t> ReadAll(const TensorRequest& request) {
  TensorReader reader(Plan(request));
  std::vector<uint8_t> bytes(static_cast<size_t>(reader.plan().bytes));
  EXPECT_EQ(reader.Read(absl::MakeSpan(bytes)), reader.plan().elements);
  EXPECT_EQ(reader.remaining(), 0);
  return bytes;
}

TensorRequest Request(std::vector<int64_t> shape,
                      Scheme scheme = Scheme::kNormal,
                      Dtype dtype = Dtype::kFloat32) {
  TensorRequest request;
  request.seed = 7;
  request.tensor.name = "w";
  request.tensor.shape = std::move(shape);
  request.tensor.scheme = scheme;
  request.tensor.dtype = dtype;
  return request;
}

// The slice of a whole tensor, cut out element by element.
std::vector<uint8_t> CutOut(const std::vector<uint8_t>& whole,
                            const std::vector<int64_t>& shape,
                            const std::vector<DimensionRange>& slice,
                            size_t element_bytes) {
  std::vector<uint8_t> cut;
  std::vector<int64_t> index(shape.size());
  for (size_t d = 0; d < shape.size(); ++d) index[d] = slice[d].start;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (slice[d].start >= slice[d].stop.value()) return cut;
  }
  while (true) {
    int64_t position = 0;
    for (size_t d = 0; d < shape.size(); ++d) {
      position = position * shape[d] + index[d];
    }
    const auto* from =
        whole.data() + static_cast<size_t>(position) * element_bytes;
    cut.insert(cut.end(), from, from + element_bytes);
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == slice[d - 1].stop.value()) {
      index[d - 1] = slice[d - 1].start;
      --d;
    }
    if (d == 0) return cut;
  }
}

class DtypeTest : public testing::TestWithParam<Dtype> {
 protected:
  static size_t ElementBytes() {
    return static_cast<size_t>(DtypeBytes(GetParam()));
  }
};

TEST_P(DtypeTest, AnySliceOfAnyShapeEqualsTheSliceOfTheWhole) {
  std::mt19937 random(1);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  const Scheme schemes[] = {Scheme::kUniform, Scheme::kNormal,
                            Scheme::kTruncatedNormal};
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<int64_t> shape(static_cast<size_t>(below(6)));
    for (int64_t& size : shape) size = 1 + below(shape.size() > 3 ? 7 : 23);
    TensorRequest request = Request(shape, schemes[trial % 3], GetParam());
    request.tensor.fan.layout =
        trial % 2 == 0 ? Layout::kOutIn : Layout::kInOut;
    const std::vector<uint8_t> whole = ReadAll(request);
    for (int cut = 0; cut < 4; ++cut) {
      request.slice.clear();
      for (const int64_t size : shape) {
        const int64_t start = below(size + 1);
        request.slice.push_back({start, start + below(size - start + 1)});
      }
      ASSERT_EQ(ReadAll(request),
                CutOut(whole, shape, request.slice, ElementBytes()))
          << "trial " << trial << " shape " << testing::PrintToString(shape);
    }
  }
}

TEST_P(DtypeTest, AnyReadSizeGivesTheSameBytes) {
  for (const Layout layout : {Layout::kOutIn, Layout::kInOut}) {
    TensorRequest request = Request({37, 211}, Scheme::kNormal, GetParam());
    request.tensor.fan.layout = layout;
    const std::vector<uint8_t> whole = ReadAll(request);
    for (const size_t size : {1u, 2u, 3u, 4u, 5u, 7u, 64u, 210u, 211u, 212u,
                              1000u, 1023u, 1024u, 1025u, 4096u, 7807u}) {
      TensorReader reader(Plan(request));
      // A few bytes more than whole elements must not be written.
      std::vector<uint8_t> buffer(size * ElementBytes() + ElementBytes() - 1);
      std::vector<uint8_t> bytes;
      while (const int64_t n = reader.Read(absl::MakeSpan(buffer))) {
        bytes.insert(
            bytes.end(), buffer.begin(),
            buffer.begin() +
                static_cast<int64_t>(static_cast<size_t>(n) * ElementBytes()));
      }
      ASSERT_EQ(bytes, whole) << size;
    }
  }
}

TEST_P(DtypeTest, ResumesAtEveryOffset) {
  for (const Layout layout : {Layout::kOutIn, Layout::kInOut}) {
    TensorRequest request = Request({7, 11, 5}, Scheme::kNormal, GetParam());
    request.tensor.fan.layout = layout;
    request.slice = {{1, 6}, {3, 10}, {0, 5}};
    const std::vector<uint8_t> whole = ReadAll(request);
    constexpr int64_t elements = int64_t{5} * 7 * 5;
    for (int64_t first = 0; first <= elements; ++first) {
      request.first_element = first;
      const auto offset =
          static_cast<int64_t>(static_cast<size_t>(first) * ElementBytes());
      ASSERT_EQ(ReadAll(request),
                std::vector<uint8_t>(whole.begin() + offset, whole.end()))
          << first;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, DtypeTest,
                         testing::Values(Dtype::kFloat32, Dtype::kFloat64,
                                         Dtype::kFloat16, Dtype::kBfloat16),
                         [](const auto& info) {
                           return std::string(NameOf(info.param));
                         });

TEST(LayoutTest, InOutIsTheTransposeOfADenseLayer) {
  const std::vector<uint8_t> out_in = ReadAll(Request({70, 130}));
  TensorRequest request = Request({130, 70});
  request.tensor.fan.layout = Layout::kInOut;
  const std::vector<uint8_t> in_out = ReadAll(request);
  for (size_t o = 0; o < 70; ++o) {
    for (size_t i = 0; i < 130; ++i) {
      ASSERT_EQ(
          std::memcmp(&out_in[(o * 130 + i) * 4], &in_out[(i * 70 + o) * 4], 4),
          0)
          << o << ", " << i;
    }
  }
}

TEST(LayoutTest, InOutOfAConvolutionMovesTheSpatialDimensionsFirst) {
  const std::vector<uint8_t> out_in = ReadAll(Request({6, 5, 3, 4}));
  TensorRequest request = Request({3, 4, 5, 6});
  request.tensor.fan.layout = Layout::kInOut;
  const std::vector<uint8_t> in_out = ReadAll(request);
  for (size_t o = 0; o < 6; ++o) {
    for (size_t i = 0; i < 5; ++i) {
      for (size_t h = 0; h < 3; ++h) {
        for (size_t w = 0; w < 4; ++w) {
          ASSERT_EQ(
              std::memcmp(&out_in[(((o * 5 + i) * 3 + h) * 4 + w) * 4],
                          &in_out[(((h * 4 + w) * 5 + i) * 6 + o) * 4], 4),
              0);
        }
      }
    }
  }
}

TEST(LayoutTest, DoesNotMatterToAVector) {
  TensorRequest request = Request({50});
  const std::vector<uint8_t> out_in = ReadAll(request);
  request.tensor.fan.layout = Layout::kInOut;
  EXPECT_EQ(ReadAll(request), out_in);
}

TEST(StreamTest, NamesAndSeedsSelectIndependentValues) {
  std::set<std::vector<uint8_t>> tensors;
  const std::string names[] = {
      "",   "w",          "w\x01",      "W",
      " w", "fc1.weight", "fc2.weight", std::string("w\0", 2)};
  for (const std::string& name : names) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
      TensorRequest request = Request({64});
      request.tensor.name = name;
      request.seed = seed;
      tensors.insert(ReadAll(request));
    }
  }
  EXPECT_EQ(tensors.size(), 8u * 3u);
}

TEST(StreamTest, TensorsOfDifferentNamesAreUncorrelated) {
  const auto values = [](const std::string& name) {
    TensorRequest request = Request({1 << 16});
    request.tensor.name = name;
    const std::vector<uint8_t> bytes = ReadAll(request);
    std::vector<float> floats(1 << 16);
    std::memcpy(floats.data(), bytes.data(), bytes.size());
    return floats;
  };
  const std::vector<float> a = values("layer.0");
  const std::vector<float> b = values("layer.1");
  const double dot = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  // The correlation has a standard deviation of 1/256.
  EXPECT_LT(std::abs(dot / (1 << 16)), 4.5 / 256);
}

TEST(StreamTest, ShapeAndSchemeDoNotChangeTheDraws) {
  const std::vector<uint8_t> flat = ReadAll(Request({240}));
  EXPECT_EQ(ReadAll(Request({4, 60})), flat);
  EXPECT_EQ(ReadAll(Request({2, 3, 4, 10})), flat);
}

TEST(SizeTest, ScalarsAndEmptyTensorsAreValid) {
  EXPECT_EQ(ReadAll(Request({})).size(), 4u);
  EXPECT_EQ(ReadAll(Request({})), ReadAll(Request({1})));
  EXPECT_TRUE(ReadAll(Request({0})).empty());
  EXPECT_TRUE(ReadAll(Request({3, 0, 5})).empty());
  TensorReader reader(Plan(Request({3, 0, 5})));
  uint8_t byte = 0xEE;
  EXPECT_EQ(reader.Read(absl::MakeSpan(&byte, 1)), 0);
}

TEST(SizeTest, TheEndOfAHugeTensorIsReadAsFastAsItsBeginning) {
  TensorRequest request = Request({int64_t{1} << 20, int64_t{1} << 20});
  request.slice = {{(int64_t{1} << 20) - 1, std::nullopt},
                   {(int64_t{1} << 20) - 8, std::nullopt}};
  const std::vector<uint8_t> end = ReadAll(request);
  EXPECT_EQ(end.size(), 32u);
  request.slice = {};
  request.first_element = (int64_t{1} << 40) - 8;
  EXPECT_EQ(ReadAll(request), end);
}

TEST(ConstantTest, IsWrittenInEachDtype) {
  const auto first = [](Scheme scheme, Dtype dtype) {
    TensorRequest request = Request({9}, scheme, dtype);
    if (scheme == Scheme::kConstant) request.tensor.parameters.value = -2.5;
    return ReadAll(request);
  };
  EXPECT_EQ(first(Scheme::kZeros, Dtype::kFloat64),
            std::vector<uint8_t>(72, 0));
  std::vector<uint8_t> bytes = first(Scheme::kOnes, Dtype::kFloat16);
  EXPECT_EQ(bytes[16], 0x00);
  EXPECT_EQ(bytes[17], 0x3C);
  bytes = first(Scheme::kConstant, Dtype::kBfloat16);
  EXPECT_EQ(bytes[16], 0x20);
  EXPECT_EQ(bytes[17], 0xC0);
}

TEST(HalfDtypesTest, AreTheRoundedFloat32Draw) {
  const std::vector<uint8_t> full = ReadAll(Request({4096}));
  const std::vector<uint8_t> brain =
      ReadAll(Request({4096}, Scheme::kNormal, Dtype::kBfloat16));
  for (size_t i = 0; i < 4096; ++i) {
    float value = 0;
    std::memcpy(&value, &full[4 * i], 4);
    uint16_t bits = 0;
    std::memcpy(&bits, &brain[2 * i], 2);
    const uint32_t wide = uint32_t{bits} << 16;
    float rounded = 0;
    std::memcpy(&rounded, &wide, 4);
    ASSERT_LE(std::abs(rounded - value), std::abs(value) * 0x1p-8f) << i;
  }
}

}  // namespace
}  // namespace weightinit
