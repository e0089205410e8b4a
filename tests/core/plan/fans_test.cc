#include "core/plan/fans.h"

#include <cstdint>
#include <string>
#include <vector>

#include "core/plan/violation_list.h"
#include "gtest/gtest.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

struct FanCase {
  std::string name;
  std::vector<int64_t> shape;
  FanSpec spec;
  int64_t fan_in;
  int64_t fan_out;
};

FanSpec OutIn(int64_t groups = 0, bool transposed = false) {
  return {Layout::kOutIn, groups, transposed, {}, {}};
}
FanSpec InOut(int64_t groups = 0, bool transposed = false) {
  return {Layout::kInOut, groups, transposed, {}, {}};
}

class FansTest : public testing::TestWithParam<FanCase> {};

TEST_P(FansTest, AreThoseOfTheTable) {
  ViolationList violations;
  const Fans fans = ComputeFans(GetParam().shape, GetParam().spec, violations);
  EXPECT_TRUE(violations.empty());
  EXPECT_EQ(fans.in, GetParam().fan_in);
  EXPECT_EQ(fans.out, GetParam().fan_out);
}

// What torch.nn.init._calculate_fan_in_and_fan_out (PyTorch 2.15) answers for
// the weight of the module.
INSTANTIATE_TEST_SUITE_P(
    PyTorch, FansTest,
    testing::Values(
        FanCase{"Linear_784_256", {256, 784}, OutIn(), 784, 256},
        FanCase{"Embedding_30522_768", {30522, 768}, OutIn(), 768, 30522},
        FanCase{"Conv1d_80_512_k10", {512, 80, 10}, OutIn(), 800, 5120},
        FanCase{"Conv2d_3_64_k7", {64, 3, 7, 7}, OutIn(), 147, 3136},
        FanCase{"Conv2d_16_33_k3x5", {33, 16, 3, 5}, OutIn(), 240, 495},
        FanCase{"Conv3d_3_64_k3x7x7", {64, 3, 3, 7, 7}, OutIn(), 441, 9408},
        FanCase{"Conv2d_64_128_k3_groups32", {128, 2, 3, 3}, OutIn(), 18, 1152},
        FanCase{"Conv2d_depthwise_32_k3", {32, 1, 3, 3}, OutIn(), 9, 288},
        FanCase{"ConvTranspose1d_20_40_k4", {20, 40, 4}, OutIn(), 160, 80},
        FanCase{"ConvTranspose2d_16_33_k3", {16, 33, 3, 3}, OutIn(), 297, 144}),
    [](const auto& info) { return info.param.name; });

// What keras.src.initializers.random_initializers.compute_fans (Keras 3.15)
// answers for the kernel of the layer.
INSTANTIATE_TEST_SUITE_P(
    Keras, FansTest,
    testing::Values(
        FanCase{"Dense_784_256", {784, 256}, InOut(), 784, 256},
        FanCase{"Embedding_30522_768", {30522, 768}, InOut(), 30522, 768},
        FanCase{"Conv1D_80_512_k10", {10, 80, 512}, InOut(), 800, 5120},
        FanCase{"Conv2D_3_64_k7", {7, 7, 3, 64}, InOut(), 147, 3136},
        FanCase{"Conv3D_3_64_k3x7x7", {3, 7, 7, 3, 64}, InOut(), 441, 9408},
        FanCase{"Conv2D_64_128_k3_groups32", {3, 3, 2, 128}, InOut(), 18, 1152},
        FanCase{"Conv2DTranspose_16_33_k3", {3, 3, 33, 16}, InOut(), 297, 144}),
    [](const auto& info) { return info.param.name; });

// With groups and transposition, of which the frameworks' formulas know
// nothing: counted by hand from the connections of one unit.
INSTANTIATE_TEST_SUITE_P(
    Connections, FansTest,
    testing::Values(
        // An output sees 2 channels of 9 taps; an input feeds 128 / 32 outputs.
        FanCase{"Conv2d_64_128_k3_groups32", {128, 2, 3, 3}, OutIn(32), 18, 36},
        FanCase{"Conv2D_64_128_k3_groups32", {3, 3, 2, 128}, InOut(32), 18, 36},
        FanCase{"Conv2d_depthwise_32_k3", {32, 1, 3, 3}, OutIn(32), 9, 9},
        FanCase{"Conv1d_8_8_k5_groups2", {8, 4, 5}, OutIn(2), 20, 20},
        FanCase{"ConvTranspose2d_16_33_k3",
                {16, 33, 3, 3},
                OutIn(1, true),
                144,
                297},
        FanCase{"Conv2DTranspose_16_33_k3",
                {3, 3, 33, 16},
                InOut(1, true),
                144,
                297},
        // 16 inputs in 4 groups, 8 outputs of each group.
        FanCase{"ConvTranspose2d_16_32_k3_groups4",
                {16, 8, 3, 3},
                OutIn(4, true),
                36,
                72},
        FanCase{
            "ConvTranspose3d_4_6_k2", {4, 6, 2, 2, 2}, OutIn(1, true), 32, 48}),
    [](const auto& info) { return info.param.name; });

TEST(FansOfSmallRankTest, AreAbsentUnlessGiven) {
  ViolationList violations;
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{}, std::vector<int64_t>{10}}) {
    const Fans none = ComputeFans(shape, FanSpec(), violations);
    EXPECT_EQ(none.in, std::nullopt);
    EXPECT_EQ(none.out, std::nullopt);
    FanSpec given;
    given.fan_in = 5;
    const Fans fans = ComputeFans(shape, given, violations);
    EXPECT_EQ(fans.in, 5);
    EXPECT_EQ(fans.out, std::nullopt);
  }
  EXPECT_TRUE(violations.empty());
}

TEST(ExplicitFansTest, OverrideThoseOfTheShape) {
  ViolationList violations;
  FanSpec spec;
  spec.fan_in = 12;
  spec.fan_out = 34;
  const Fans fans = ComputeFans({256, 784}, spec, violations);
  EXPECT_EQ(fans.in, 12);
  EXPECT_EQ(fans.out, 34);
}

struct BadFanCase {
  std::string name;
  std::vector<int64_t> shape;
  FanSpec spec;
  std::string field;
};

class BadFansTest : public testing::TestWithParam<BadFanCase> {};

TEST_P(BadFansTest, NameTheField) {
  ViolationList violations;
  ComputeFans(GetParam().shape, GetParam().spec, violations);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadFansTest,
    testing::Values(
        BadFanCase{
            "GroupsDoNotDivide", {10, 4, 3}, OutIn(3), "tensor.fan.groups"},
        BadFanCase{"GroupsDoNotDivideTheLastOfInOut",
                   {3, 9, 10},
                   InOut(3),
                   "tensor.fan.groups"},
        BadFanCase{"GroupsNegative", {10, 4}, OutIn(-1), "tensor.fan.groups"},
        BadFanCase{"GroupsOfAVector", {10}, OutIn(2), "tensor.fan.groups"},
        BadFanCase{
            "TransposedVector", {10}, OutIn(1, true), "tensor.fan.transposed"},
        BadFanCase{"FanInZero",
                   {10, 4},
                   {Layout::kOutIn, 0, false, 0, {}},
                   "tensor.fan.fan_in"},
        BadFanCase{"FanOutNegative",
                   {10, 4},
                   {Layout::kOutIn, 0, false, {}, -4},
                   "tensor.fan.fan_out"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weightinit
