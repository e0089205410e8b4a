// Sources of elements other than the elementwise one.

#include "weightinit/core/element_source.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"

namespace weightinit {
namespace {

TensorPlan Plan(std::vector<int64_t> shape, int64_t first_element = 0) {
  TensorRequest request;
  request.tensor.shape = std::move(shape);
  request.tensor.scheme = Scheme::kNormal;
  request.first_element = first_element;
  return Resolve(request).value();
}

// Computes all of a matrix when the first element is asked for, as a source
// does whose elements depend on each other: element i of n is n - i.
class WholeMatrixSource final : public ElementSource {
 public:
  explicit WholeMatrixSource(int64_t elements) : elements_(elements) {}

  SourceCost cost() const override {
    return {elements_ * static_cast<int64_t>(sizeof(float)), false};
  }

  void Read(int64_t position, int64_t count, uint8_t* out) override {
    if (matrix_.empty()) {
      for (int64_t i = 0; i < elements_; ++i) {
        matrix_.push_back(static_cast<float>(elements_ - i));
      }
    }
    std::memcpy(out, matrix_.data() + position,
                static_cast<size_t>(count) * sizeof(float));
  }

 private:
  const int64_t elements_;
  std::vector<float> matrix_;
};

TEST(ElementSourceTest, ElementwiseSourceHoldsNothingAndASliceIsCheaper) {
  const auto source = MakeElementSource(Plan({1 << 20, 1 << 20}));
  EXPECT_EQ(source->cost().bytes_held, 0);
  EXPECT_TRUE(source->cost().slice_is_cheaper);
}

TEST(ElementSourceTest, PositionsMayComeInAnyOrder) {
  const auto source = MakeElementSource(Plan({100}));
  std::vector<float> forward(100);
  std::vector<float> backward(100);
  source->Read(0, 100, reinterpret_cast<uint8_t*>(forward.data()));
  for (int64_t i = 99; i >= 0; --i) {
    source->Read(i, 1, reinterpret_cast<uint8_t*>(backward.data() + i));
  }
  EXPECT_EQ(forward, backward);
}

TEST(ElementSourceTest, ReaderReadsFromAnySourceAndTellsItsCost) {
  TensorReader reader(Plan({3, 5}, /*first_element=*/4),
                      std::make_unique<WholeMatrixSource>(15));
  EXPECT_EQ(reader.cost().bytes_held, 60);
  EXPECT_FALSE(reader.cost().slice_is_cheaper);
  std::vector<float> values(20);
  const absl::Span<uint8_t> bytes(reinterpret_cast<uint8_t*>(values.data()),
                                  values.size() * sizeof(float));
  EXPECT_EQ(reader.Read(bytes.first(14)), 3);  // Three whole elements fit.
  EXPECT_EQ(reader.Read(bytes.subspan(12)), 8);
  EXPECT_EQ(reader.remaining(), 0);
  for (size_t i = 0; i < 11; ++i) {
    EXPECT_EQ(values[i], static_cast<float>(11 - i));
  }
}

}  // namespace
}  // namespace weightinit
