// The parts of the command line that need no process: reading options, and
// formats.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "client/cpp/cli/commands.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/request_options.h"
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

TEST(RequestOptionsTest, SeedNameReachesBothRequests) {
  RequestOptions options;
  options.shape = "";
  options.seed_name = "team/a";
  const auto request = ParseRequest(options);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->seed_name(), "team/a");
  EXPECT_EQ(DescriptionOf(*request).seed_name(), "team/a");
}

TEST(RequestOptionsTest, SeedNameThatIsEmptyOrBesideASeedIsRefused) {
  RequestOptions options;
  options.shape = "";
  options.seed_name = "";
  EXPECT_EQ(ParseRequest(options).status().message(), "--seed-name: is empty");
  options.seed_name = "team/a";
  options.seed = "0";
  EXPECT_EQ(ParseRequest(options).status().message(),
            "--seed-name and --seed: give one of the two");
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

TEST(ExitStatusTest, CodesAreThoseOfTheHelp) {
  EXPECT_EQ(ExitStatus(absl::OkStatus()), 0);
  EXPECT_EQ(ExitStatus(absl::InternalError("")), 1);
  EXPECT_EQ(ExitStatus(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitStatus(absl::OutOfRangeError("")), 2);
  EXPECT_EQ(ExitStatus(absl::FailedPreconditionError("")), 2);
  EXPECT_EQ(ExitStatus(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitStatus(absl::DeadlineExceededError("")), 3);
  EXPECT_EQ(ExitStatus(absl::ResourceExhaustedError("")), 3);
  EXPECT_EQ(ExitStatus(absl::DataLossError("")), 4);
}

}  // namespace
}  // namespace weightinit::cli
