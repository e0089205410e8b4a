// A tensor of parts is, bit for bit, the parts that it is made of.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

using Bytes = std::vector<uint8_t>;

TensorPlan Plan(const TensorRequest& request) {
  const auto plan = Resolve(request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.value();
}

// All bytes, read with pieces of at most `piece` bytes.
Bytes Read(const TensorRequest& request, size_t piece = 1 << 20) {
  TensorReader reader(Plan(request));
  Bytes bytes;
  Bytes buffer(piece);
  while (reader.remaining() > 0) {
    const int64_t n =
        reader.Read(absl::MakeSpan(buffer)) * DtypeBytes(reader.plan().dtype);
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + n);
  }
  return bytes;
}

TensorRequest Request(std::vector<int64_t> shape, Layout layout, Dtype dtype) {
  TensorRequest request;
  request.seed = 7;
  request.tensor.name = "whole";
  request.tensor.shape = std::move(shape);
  request.tensor.fan.layout = layout;
  request.tensor.dtype = dtype;
  return request;
}

TensorPart Part(const std::string& name, int64_t size, Scheme scheme) {
  TensorPart part;
  part.name = name;
  part.size = size;
  part.scheme = scheme;
  return part;
}

// Three parts of 3, 1 and 4 along `axis`.
TensorRequest Joined(std::vector<int64_t> shape, size_t axis, Layout layout,
                     Dtype dtype) {
  shape[axis] = 8;
  TensorRequest request = Request(std::move(shape), layout, dtype);
  Concatenation& joined = request.tensor.concatenation;
  joined.axis = static_cast<int64_t>(axis);
  joined.parts = {Part("q", 3, Scheme::kHeNormal),
                  Part("k", 1, Scheme::kUniform),
                  Part("v", 4, Scheme::kXavierNormal)};
  return request;
}

// The tensor that part `p` of `whole` is.
TensorRequest Single(const TensorRequest& whole, size_t p) {
  const Concatenation& joined = whole.tensor.concatenation;
  const auto axis = static_cast<size_t>(joined.axis);
  TensorRequest request = whole;
  request.tensor.concatenation = {};
  request.tensor.name = joined.parts[p].name;
  request.tensor.scheme = joined.parts[p].scheme;
  if (joined.stacked) {
    request.tensor.shape.erase(request.tensor.shape.begin() +
                               static_cast<int64_t>(axis));
  } else {
    request.tensor.shape[axis] = joined.parts[p].size;
  }
  return request;
}

// The parts of `whole`, fetched one by one and put together.
Bytes Join(const TensorRequest& whole) {
  const Concatenation& joined = whole.tensor.concatenation;
  const std::vector<int64_t>& shape = whole.tensor.shape;
  int64_t outer = 1;
  for (int64_t d = 0; d < joined.axis; ++d) {
    outer *= shape[static_cast<size_t>(d)];
  }
  std::vector<Bytes> parts;
  for (size_t p = 0; p < joined.parts.size(); ++p) {
    parts.push_back(Read(Single(whole, p)));
  }
  Bytes bytes;
  for (int64_t o = 0; o < outer; ++o) {
    for (const Bytes& part : parts) {
      const int64_t width = static_cast<int64_t>(part.size()) / outer;
      bytes.insert(bytes.end(), part.begin() + o * width,
                   part.begin() + (o + 1) * width);
    }
  }
  return bytes;
}

TEST(ConcatenationTest, IsItsPartsAlongEveryAxisInEveryLayoutAndDtype) {
  const std::vector<std::vector<int64_t>> shapes = {
      {0}, {5, 6}, {5, 6, 7}, {3, 5, 2, 4}};
  for (const std::vector<int64_t>& shape : shapes) {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      for (const auto& layout : AllNamed<Layout>()) {
        for (const auto& dtype : AllNamed<Dtype>()) {
          std::vector<int64_t> sizes = shape;
          TensorRequest request =
              Joined(std::move(sizes), axis, layout.value, dtype.value);
          if (shape.size() < 2) {
            for (auto& part : request.tensor.concatenation.parts) {
              part.scheme = Scheme::kNormal;
            }
          }
          const Bytes expected = Join(request);
          EXPECT_EQ(Read(request), expected);
          EXPECT_EQ(Read(request, 40), expected);
        }
      }
    }
  }
}

TEST(ConcatenationTest, LargePartsBetweenOthersAreReadManyRowsAtATime) {
  for (const auto& layout : AllNamed<Layout>()) {
    TensorRequest request = Request({300, 1700}, layout.value, Dtype::kFloat32);
    Concatenation& joined = request.tensor.concatenation;
    joined.axis = 1;
    joined.parts = {Part("a", 700, Scheme::kNormal),
                    Part("b", 0, Scheme::kNormal),
                    Part("c", 1000, Scheme::kUniform)};
    const Bytes expected = Join(request);
    EXPECT_EQ(Read(request), expected);
    EXPECT_EQ(Read(request, 100000), expected);
  }
  // A row of a part that is larger than any scratch.
  TensorRequest request = Request({2, 200001}, Layout::kOutIn, Dtype::kFloat32);
  Concatenation& joined = request.tensor.concatenation;
  joined.axis = 1;
  joined.parts = {Part("a", 200000, Scheme::kNormal),
                  Part("b", 1, Scheme::kNormal)};
  EXPECT_EQ(Read(request, 4 << 20), Join(request));
}

TEST(ConcatenationTest, StackedPartsHaveOneDimensionLess) {
  for (const auto& layout : AllNamed<Layout>()) {
    for (int64_t axis = 0; axis < 3; ++axis) {
      std::vector<int64_t> shape = {6, 5};
      shape.insert(shape.begin() + axis, 3);
      TensorRequest request =
          Request(std::move(shape), layout.value, Dtype::kFloat32);
      Concatenation& stack = request.tensor.concatenation;
      stack.axis = axis;
      stack.stacked = true;
      stack.parts = {Part("e.0", 0, Scheme::kHeNormal),
                     Part("e.1", 0, Scheme::kXavierUniform),
                     Part("e.2", 0, Scheme::kHeNormal)};
      const TensorPlan plan = Plan(request);
      EXPECT_EQ(plan.parts[0].fan_in, layout.value == Layout::kInOut ? 6 : 5);
      EXPECT_EQ(Read(request), Join(request));
    }
  }
}

TEST(ConcatenationTest, PartsMayHavePartsThemselves) {
  TensorRequest request = Request({2, 6, 5}, Layout::kOutIn, Dtype::kFloat32);
  Concatenation& stack = request.tensor.concatenation;
  stack.stacked = true;
  Bytes expected;
  for (const std::string expert : {"e.0", "e.1"}) {
    TensorPart part = Part(expert, 0, Scheme::kUnspecified);
    part.concatenation.parts = {Part(expert + ".gate", 2, Scheme::kHeNormal),
                                Part(expert + ".up", 4, Scheme::kXavierNormal)};
    TensorRequest single = Request({6, 5}, Layout::kOutIn, Dtype::kFloat32);
    single.tensor.concatenation = part.concatenation;
    const Bytes bytes = Join(single);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    stack.parts.push_back(part);
  }
  EXPECT_EQ(Read(request), expected);
}

TEST(ConcatenationTest, EverySliceIsThatSliceOfTheWhole) {
  std::mt19937 random(1);
  const auto below = [&](int64_t n) {
    return std::uniform_int_distribution<int64_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 300; ++round) {
    const auto axis = static_cast<size_t>(below(3));
    const Layout layout = below(2) == 0 ? Layout::kOutIn : Layout::kInOut;
    TensorRequest request = Joined({4, 5, 6}, axis, layout, Dtype::kFloat32);
    if (below(4) == 0) {
      Concatenation& joined = request.tensor.concatenation;
      joined.stacked = true;
      for (TensorPart& part : joined.parts) part.size = 0;
      request.tensor.shape[axis] = 3;
    }
    const std::vector<int64_t> shape = request.tensor.shape;
    const Bytes whole = Read(request);
    for (const int64_t size : shape) {
      const int64_t start = below(size + 1);
      request.slice.push_back({start, start + below(size - start + 1)});
    }
    Bytes expected;
    for (int64_t x = request.slice[0].start; x < request.slice[0].stop; ++x) {
      for (int64_t y = request.slice[1].start; y < request.slice[1].stop; ++y) {
        const int64_t row = (x * shape[1] + y) * shape[2];
        expected.insert(expected.end(),
                        whole.begin() + (row + request.slice[2].start) * 4,
                        whole.begin() + (row + *request.slice[2].stop) * 4);
      }
    }
    EXPECT_EQ(Read(request), expected);
    const auto elements = static_cast<int64_t>(expected.size()) / 4;
    request.first_element = below(elements + 1);
    expected.erase(expected.begin(),
                   expected.begin() + request.first_element * 4);
    EXPECT_EQ(Read(request, 52), expected);
  }
}

TEST(ConcatenationTest, PiecesInAnyOrderAreTheWhole) {
  const TensorRequest request =
      Joined({9, 5, 6}, 1, Layout::kInOut, Dtype::kFloat32);
  const Bytes whole = Read(request);
  const auto source = MakeElementSource(Plan(request));
  const auto elements = static_cast<int64_t>(whole.size()) / 4;
  for (int64_t end = elements; end > 0; end -= 50) {
    const int64_t start = std::max<int64_t>(0, end - 50);
    Bytes piece(static_cast<size_t>(end - start) * 4);
    source->Read(start, end - start, piece.data());
    EXPECT_TRUE(
        std::equal(piece.begin(), piece.end(), whole.begin() + start * 4));
  }
}

}  // namespace
}  // namespace weightinit
