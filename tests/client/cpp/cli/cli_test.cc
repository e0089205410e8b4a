// The parts of the command line that need no process: reading options, formats,
// statistics.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/request_options.h"
#include "client/cpp/cli/statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<v1::InitializeTensorRequest> ParseShape(
    const std::string& shape) {
  RequestOptions options;
  options.shape = shape;
  return ParseRequest(options);
}

TEST(RequestOptionsTest, ShapeReadsWithXAndCommas) {
  EXPECT_THAT(ParseShape("512x256")->tensor().shape(), ElementsAre(512, 256));
  EXPECT_THAT(ParseShape("64,3,7,7")->tensor().shape(),
              ElementsAre(64, 3, 7, 7));
  EXPECT_THAT(ParseShape("5")->tensor().shape(), ElementsAre(5));
  EXPECT_THAT(ParseShape("")->tensor().shape(), IsEmpty());
  EXPECT_THAT(ParseShape("9223372036854775807x0")->tensor().shape(),
              ElementsAre(std::numeric_limits<int64_t>::max(), 0));
  // For the service to reject.
  EXPECT_THAT(ParseShape("4,-3")->tensor().shape(), ElementsAre(4, -3));
}

TEST(RequestOptionsTest, ShapeThatDoesNotReadIsNamed) {
  for (const char* const shape :
       {"x", "4x", ",4", "4xx4", "4.5", "9223372036854775808", "four"}) {
    const auto request = ParseShape(shape);
    EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument)
        << shape;
    EXPECT_THAT(std::string(request.status().message()),
                HasSubstr("--shape: \""));
  }
  EXPECT_THAT(std::string(ParseRequest(RequestOptions()).status().message()),
              HasSubstr("--shape is required"));
}

TEST(RequestOptionsTest, SeedReadsAllOf64Bits) {
  RequestOptions options;
  options.shape = "";
  const auto seed = [&options](const std::string& text) {
    options.seed = text;
    return ParseRequest(options)->seed();
  };
  EXPECT_EQ(seed("0"), 0u);
  EXPECT_EQ(seed("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(seed("0xffffffffffffffff"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(seed("0Xdead"), 0xdeadu);
  for (const char* const text :
       {"", "-1", "+1", " 1", "0x", "0x-1", "1e3", "1.0", "ff",
        "18446744073709551616", "0x10000000000000000"}) {
    options.seed = text;
    const auto request = ParseRequest(options);
    EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(request.status().message()),
                HasSubstr("--seed: \""));
  }
}

// "start:stop" of each range as parsed of a 16x8 tensor.
std::vector<std::string> Ranges(const std::string& slice) {
  RequestOptions options;
  options.shape = "16x8";
  options.slice = slice;
  const auto request = ParseRequest(options);
  EXPECT_TRUE(request.ok()) << request.status();
  std::vector<std::string> ranges;
  for (const v1::DimensionRange& range : request->slice()) {
    ranges.push_back(std::to_string(range.start()) + ":" +
                     (range.has_stop() ? std::to_string(range.stop()) : ""));
  }
  return ranges;
}

TEST(RequestOptionsTest, SliceReadsAsInPython) {
  EXPECT_THAT(Ranges("0:16,:"), ElementsAre("0:16", "0:"));
  EXPECT_THAT(Ranges("-4:,:-1"), ElementsAre("12:", "0:7"));
  EXPECT_THAT(Ranges("-16:-8"), ElementsAre("0:8", "0:"));
  EXPECT_THAT(Ranges(" 2 : 3 , : "), ElementsAre("2:3", "0:"));
  EXPECT_THAT(Ranges(""), IsEmpty());
  // For the service to reject.
  EXPECT_THAT(Ranges("3:99,5:1"), ElementsAre("3:99", "5:1"));
}

TEST(RequestOptionsTest, SliceThatDoesNotReadIsNamed) {
  for (const char* const slice :
       {"3", "0:4:2", "a:b", ":,:,:", "-17:", ":,:-9", "::"}) {
    RequestOptions options;
    options.shape = "16x8";
    options.slice = slice;
    const auto request = ParseRequest(options);
    EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument)
        << slice;
    EXPECT_THAT(std::string(request.status().message()),
                HasSubstr("--slice: \""));
  }
}

TEST(RequestOptionsTest, EveryWrongOptionIsNamed) {
  RequestOptions options;
  options.shape = "4x4";
  options.scheme = "kaiming";
  options.fan_mode = "sideways";
  options.stddev = "wide";
  options.groups = "two";
  options.chunk_bytes = "9999999999";
  const auto request = ParseRequest(options);
  EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(request.status().message()),
      AllOf(HasSubstr("--scheme: \"kaiming\" is not one of zeros, ones"),
            HasSubstr("--fan-mode: \"sideways\" is not one of in, out, "
                      "average, geometric"),
            HasSubstr("--stddev: \"wide\""), HasSubstr("--groups: \"two\""),
            HasSubstr("--chunk-bytes: \"9999999999\"")));
}

TEST(RequestOptionsTest, NotANumberIsLeftToTheService) {
  RequestOptions options;
  options.shape = "4x4";
  options.stddev = "nan";
  options.mean = "-inf";
  options.value = "1e999";
  const auto request = ParseRequest(options);
  ASSERT_TRUE(request.ok()) << request.status();
  const v1::SchemeParameters& parameters = request->tensor().parameters();
  EXPECT_TRUE(std::isnan(parameters.stddev()));
  EXPECT_EQ(parameters.mean(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parameters.value(), std::numeric_limits<double>::infinity());
  EXPECT_FALSE(parameters.has_gain());
}

TEST(RequestOptionsTest, DescriptionAsksForTheSameTensor) {
  RequestOptions options;
  options.name = "w";
  options.shape = "16x8";
  options.slice = "1:2,:";
  options.seed = "5";
  options.generator = "philox4x32_v1";
  options.first_element = "3";
  options.element_count = "4";
  options.chunk_bytes = "64";
  const auto request = ParseRequest(options);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(DescriptionOf(*request).SerializeAsString(),
            request->SerializeAsString());
}

TEST(FileFormatTest, ExtensionChooses) {
  EXPECT_EQ(*ChooseFormat("a/w.npy", {}), FileFormat::kNpy);
  EXPECT_EQ(*ChooseFormat("w.v2.SAFETENSORS", {}), FileFormat::kSafetensors);
  EXPECT_EQ(*ChooseFormat("w.bin", {}), FileFormat::kBin);
  EXPECT_EQ(*ChooseFormat("-", {}), FileFormat::kBin);
  EXPECT_EQ(*ChooseFormat("w.npy", "bin"), FileFormat::kBin);
  EXPECT_EQ(*ChooseFormat("-", "npy"), FileFormat::kNpy);
  EXPECT_EQ(*ChooseFormat("/dev/full", "npy"), FileFormat::kNpy);
}

TEST(FileFormatTest, UnknownExtensionListsTheChoices) {
  for (const char* const path : {"w.pt", "w", "dir.npy/w", ""}) {
    const auto format = ChooseFormat(path, {});
    EXPECT_EQ(format.status().code(), absl::StatusCode::kInvalidArgument)
        << path;
    EXPECT_THAT(std::string(format.status().message()),
                HasSubstr("npy, safetensors, bin"));
  }
  EXPECT_THAT(
      std::string(ChooseFormat("w.npy", "pt").status().message()),
      HasSubstr("--format: \"pt\" is not one of npy, safetensors, bin"));
}

TEST(FileFormatTest, ReservedNameIsRefused) {
  EXPECT_TRUE(CheckName(FileFormat::kNpy, "__metadata__").ok());
  EXPECT_TRUE(CheckName(FileFormat::kSafetensors, "w").ok());
  EXPECT_EQ(CheckName(FileFormat::kSafetensors, "__metadata__").code(),
            absl::StatusCode::kInvalidArgument);
}

template <typename T>
void Add(const std::vector<T>& values, Statistics* statistics) {
  statistics->Add(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(values.data()),
                          values.size() * sizeof(T)));
}

v1::TensorDescription DescriptionOf(v1::Dtype dtype, double mean = 0,
                                    double stddev = 1) {
  v1::TensorDescription description;
  description.set_dtype(dtype);
  description.set_mean(mean);
  description.set_stddev(stddev);
  return description;
}

TEST(CliStatisticsTest, SmallSampleIsExact) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32), 0);
  Add<float>({1, 2, 3}, &statistics);
  Add<float>({6}, &statistics);
  const auto measured = statistics.measured();
  ASSERT_TRUE(measured.has_value());
  EXPECT_DOUBLE_EQ(measured->mean, 3);
  EXPECT_DOUBLE_EQ(measured->stddev, std::sqrt(3.5));
  EXPECT_EQ(measured->min, 1);
  EXPECT_EQ(measured->max, 6);
}

TEST(CliStatisticsTest, NoValuesHaveNoStatistics) {
  const Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32), 0);
  EXPECT_FALSE(statistics.measured().has_value());
}

TEST(CliStatisticsTest, LargeMeanDoesNotHideASmallDeviation) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT64, 1e9, 1e-3), 0);
  std::vector<double> values;
  values.reserve(100'003);
  for (int i = 0; i < 100'003; ++i) {
    values.push_back(1e9 + (i % 2 == 0 ? 1e-3 : -1e-3));
  }
  Add(values, &statistics);
  EXPECT_NEAR(statistics.measured()->stddev, 1e-3, 1e-6);
  EXPECT_NEAR(statistics.measured()->mean, 1e9, 1e-3);
}

TEST(CliStatisticsTest, EqualValuesDoNotDeviate) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32, 0.1, 0), 10);
  Add(std::vector<float>(5000, 0.1F), &statistics);
  EXPECT_EQ(statistics.measured()->stddev, 0);
  EXPECT_EQ(statistics.measured()->mean, static_cast<double>(0.1F));
  EXPECT_THAT(statistics.histogram().counts, IsEmpty());
}

TEST(CliStatisticsTest, ExtremeFloat64DoesNotOverflow) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT64, 0, 1e308), 0);
  Add<double>({1e308, -1e308, 1e308, -1e308}, &statistics);
  EXPECT_NEAR(statistics.measured()->stddev / 1e308, 1, 1e-12);
  Statistics tiny(DescriptionOf(v1::DTYPE_FLOAT64, 0, 1e-300), 0);
  Add<double>({1e-300, -1e-300}, &tiny);
  EXPECT_NEAR(tiny.measured()->stddev / 1e-300, 1, 1e-12);
  EXPECT_EQ(tiny.measured()->min, -1e-300);
}

TEST(CliStatisticsTest, HalfPrecisionIsDecoded) {
  Statistics half(DescriptionOf(v1::DTYPE_FLOAT16), 0);
  // -2, the largest, the smallest subnormal, 1.
  Add<uint16_t>({0xc000, 0x7bff, 0x0001, 0x3c00}, &half);
  EXPECT_EQ(half.measured()->min, -2);
  EXPECT_EQ(half.measured()->max, 65504);
  EXPECT_DOUBLE_EQ(half.measured()->mean, (-2 + 65504 + 0x1p-24 + 1) / 4);
  Statistics infinite(DescriptionOf(v1::DTYPE_FLOAT16), 0);
  Add<uint16_t>({0x7c00}, &infinite);
  EXPECT_TRUE(std::isinf(infinite.measured()->max));
  EXPECT_FALSE(std::isfinite(infinite.measured()->stddev));
  Statistics brain(DescriptionOf(v1::DTYPE_BFLOAT16), 0);
  Add<uint16_t>({0xc000, 0x3f80}, &brain);
  EXPECT_EQ(brain.measured()->min, -2);
  EXPECT_EQ(brain.measured()->max, 1);
}

TEST(CliStatisticsTest, HistogramCountsOutliersAtItsEnds) {
  Statistics statistics(DescriptionOf(v1::DTYPE_FLOAT32), 8);  // -4 to 4
  Add<float>({-9, -3.5F, -0.5F, 0, 0.5F, 3.5F, 9}, &statistics);
  EXPECT_THAT(statistics.histogram().counts,
              ElementsAre(2, 0, 0, 1, 2, 0, 0, 2));
}

TEST(ExitStatusTest, CodesAreThoseOfTheHelp) {
  EXPECT_EQ(ExitStatus(absl::OkStatus()), 0);
  EXPECT_EQ(ExitStatus(absl::InternalError("")), 1);
  EXPECT_EQ(ExitStatus(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitStatus(absl::OutOfRangeError("")), 2);
  EXPECT_EQ(ExitStatus(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitStatus(absl::DeadlineExceededError("")), 3);
  EXPECT_EQ(ExitStatus(absl::ResourceExhaustedError("")), 3);
  EXPECT_EQ(ExitStatus(absl::DataLossError("")), 4);
}

}  // namespace
}  // namespace weightinit::cli
