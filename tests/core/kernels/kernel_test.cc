// One suite, every kernel: each target that this machine runs gives the bytes
// of the scalar kernel, whichever blocks are asked for.

#include "core/kernels/kernel.h"

#include <cstdint>
#include <string>
#include <vector>

#include "core/kernels/scalar_kernel.h"
#include "core/random/sampler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/simd_target.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

constexpr StreamKey kKey = {0x84e2e2f5fbfb506bu, 0x8142b8e2fd0341ecu};

std::vector<std::string> SupportedTargets() {
  std::vector<std::string> names;
  for (const SimdTarget& target : KnownSimdTargets()) {
    if (target.supported) names.push_back(target.name);
  }
  return names;
}

struct Law {
  std::string name;
  DistributionParameters parameters;
};

Law Normal() { return {"normal", {Distribution::kNormal, 0, 1, 0, 0}}; }

std::vector<Law> Laws() {
  return {
      Normal(),
      {"uniform", {Distribution::kUniform, 0, 0, -1, 1}},
      {"uniform_asymmetric", {Distribution::kUniform, 0, 0, 3, 1000}},
      {"uniform_from_zero", {Distribution::kUniform, 0, 0, 0, 1}},
      {"uniform_to_zero", {Distribution::kUniform, 0, 0, -1, 0}},
      {"uniform_narrow", {Distribution::kUniform, 0, 0, 1, 1 + 0x1p-20}},
      {"uniform_subnormal", {Distribution::kUniform, 0, 0, -1e-40, 1e-40}},
      {"uniform_tiny", {Distribution::kUniform, 0, 0, -1e-310, 1e-310}},
      {"normal_shifted", {Distribution::kNormal, -7, 1e-3, 0, 0}},
      {"truncated", {Distribution::kTruncatedNormal, 0, 1, -2, 2}},
      {"truncated_wide", {Distribution::kTruncatedNormal, 1, 3, -30, 30}},
      {"truncated_above", {Distribution::kTruncatedNormal, 0, 1, 0.5, 9}},
      {"truncated_below", {Distribution::kTruncatedNormal, 0, 1, -11, -10}},
  };
}

class KernelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceSimdTarget(GetParam()).ok()); }
  void TearDown() override { ASSERT_TRUE(ForceSimdTarget("").ok()); }

  template <typename F>
  static void ExpectScalarBytes(const Law& law, Dtype dtype, BlockList blocks,
                                int64_t count) {
    const Sampler<F> sampler = MakeSampler<F>(law.parameters);
    const auto size = [&](int64_t n) {
      return static_cast<size_t>(n * kDrawsPerBlock<F> * DtypeBytes(dtype));
    };
    std::vector<uint8_t> expected(size(count));
    FillBlocksScalar(sampler, kKey, blocks, count, dtype, expected.data());
    std::vector<uint8_t> found(size(RoundUpToGroup(count)));
    FillBlocks(sampler, kKey, blocks, count, dtype, found.data());
    found.resize(expected.size());
    ASSERT_EQ(found, expected) << law.name << " " << NameOf(dtype) << " first "
                               << blocks.first << " count " << count;
  }

  static void ExpectScalarBytes(BlockList blocks, int64_t count) {
    for (const Law& law : Laws()) {
      for (const Dtype dtype :
           {Dtype::kFloat32, Dtype::kFloat16, Dtype::kBfloat16}) {
        ExpectScalarBytes<float>(law, dtype, blocks, count);
      }
      ExpectScalarBytes<double>(law, Dtype::kFloat64, blocks, count);
    }
  }
};

TEST_P(KernelTest, IsTheOneThatRuns) {
  EXPECT_EQ(SimdTargetInUse(), GetParam());
}

TEST_P(KernelTest, ConsecutiveBlocksEqualTheScalarKernel) {
  for (uint64_t first = 0; first < 200; ++first) {
    ExpectScalarBytes({first * kTileBlocks, nullptr}, kTileBlocks);
  }
}

TEST_P(KernelTest, BlocksAcrossTheCarryIntoTheHighWordEqualTheScalarKernel) {
  for (const uint64_t first :
       {0xFFFFFF81u * uint64_t{1}, (uint64_t{1} << 40) - 3,
        (uint64_t{5} << 32) - 128, (uint64_t{1} << 57) - 256}) {
    ExpectScalarBytes({first, nullptr}, kTileBlocks);
  }
}

TEST_P(KernelTest, EveryCountEqualsTheScalarKernel) {
  for (int64_t count = 1; count <= kTileBlocks; ++count) {
    ExpectScalarBytes<float>(Normal(), Dtype::kFloat32, {77, nullptr}, count);
    ExpectScalarBytes<double>(Normal(), Dtype::kFloat64, {77, nullptr}, count);
  }
}

// The ends of the range, and the words around every power of two.
template <typename Word>
std::vector<Word> ExtremeWords() {
  std::vector<Word> words;
  for (size_t bit = 0; bit < sizeof(Word) * 8; ++bit) {
    const Word power = Word{1} << bit;
    for (const Word word : {power - 1, power, power + 1}) {
      words.push_back(static_cast<Word>(word));
      words.push_back(static_cast<Word>(~word));
    }
  }
  return words;
}

template <typename F>
void ExpectScalarDraws(const Law& law, Dtype dtype) {
  using Word = typename DrawWord<F>::type;
  const std::vector<Word> extreme = ExtremeWords<Word>();
  constexpr auto kWords = static_cast<size_t>(kGroupBlocks * kDrawsPerBlock<F>);
  const Sampler<F> sampler = MakeSampler<F>(law.parameters);
  std::vector<Word> words(kWords);
  // Each as the first word of a pair, with many others as the second.
  for (size_t shift = 0; shift < 2 * extreme.size(); ++shift) {
    for (size_t i = 0; i < kWords; ++i) {
      words[i] =
          extreme[(i / 2 + (i % 2 == 0 ? shift : 7 * shift)) % extreme.size()];
    }
    std::vector<uint8_t> expected(kWords * sizeof(F));
    DrawFromWordsScalar(sampler, words.data(), kGroupBlocks, dtype,
                        expected.data());
    std::vector<uint8_t> found(expected.size());
    DrawFromWords(sampler, words.data(), kGroupBlocks, dtype, found.data());
    ASSERT_EQ(found, expected)
        << law.name << " " << NameOf(dtype) << " shift " << shift;
  }
}

TEST_P(KernelTest, DrawsFromExtremeWordsEqualTheScalarKernel) {
  for (const Law& law : Laws()) {
    for (const Dtype dtype :
         {Dtype::kFloat32, Dtype::kFloat16, Dtype::kBfloat16}) {
      ExpectScalarDraws<float>(law, dtype);
    }
    ExpectScalarDraws<double>(law, Dtype::kFloat64);
  }
}

TEST_P(KernelTest, ChosenBlocksEqualTheScalarKernel) {
  std::vector<uint64_t> indices(kTileBlocks);
  uint64_t state = 1;
  for (uint64_t& index : indices) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    index = state >> 7;
  }
  for (const int64_t count : {1, 2, 15, 16, 17, 100, 255, 256}) {
    ExpectScalarBytes({0, indices.data()}, count);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, KernelTest,
                         testing::ValuesIn(SupportedTargets()),
                         [](const auto& info) { return info.param; });

TEST(SimdTargetTest, ScalarIsKnownAndSupportedEverywhere) {
  const std::vector<SimdTarget> known = KnownSimdTargets();
  ASSERT_FALSE(known.empty());
  EXPECT_EQ(known.back().name, "scalar");
  EXPECT_TRUE(known.back().supported);
}

TEST(SimdTargetTest, BestSupportedOneIsInForceUnlessForced) {
  EXPECT_EQ(SimdTargetInUse(), SupportedTargets().front());
}

TEST(SimdTargetTest, UnknownNameIsRefusedAndChangesNothing) {
  const std::string before = SimdTargetInUse();
  const absl::Status status = ForceSimdTarget("mmx");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("scalar"));
  EXPECT_EQ(SimdTargetInUse(), before);
}

}  // namespace
}  // namespace weightinit
