#include "server/convert.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "proto/cpp/description_conversion.h"
#include "tests/server/server_fixture.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

grpc::ByteBuffer Wire(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

template <typename Message>
grpc::ByteBuffer Wire(const Message& message) {
  return Wire(message.SerializeAsString());
}

template <typename Message>
Message Parse(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string flat;
  for (const auto& slice : slices) {
    flat.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  Message message;
  EXPECT_TRUE(message.ParseFromString(flat));
  return message;
}

absl::StatusOr<TensorPlan> PlanOf(const std::string& text) {
  return PlanInitializeTensor(Wire(ParseRequest(text)), Limits{});
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const Violation& violation : GetViolations(status)) {
    fields.push_back(violation.field);
  }
  return fields;
}

// Every field of a request, each with a value that is not its default.
constexpr char kFullRequest[] = R"(
  tensor {
    name: "encoder.conv" shape: 3 shape: 3 shape: 8 shape: 16
    scheme: SCHEME_VARIANCE_SCALING activation: ACTIVATION_GELU
    dtype: DTYPE_FLOAT16
    parameters { scale: 3 fan_mode: FAN_MODE_OUT
                 distribution: DISTRIBUTION_UNIFORM }
    fan { layout: LAYOUT_IN_OUT groups: 2 fan_in: 70 fan_out: 90 }
  }
  seed: 18446744073709551615 generator: GENERATOR_PHILOX4X32_V1
  slice { start: 1 stop: 2 } slice {} slice { stop: 8 } slice { start: 4 }
  first_element: 5 chunk_bytes: 101 element_count: 9)";

TEST(ConvertTest, EveryFieldOfTheRequestReachesThePlan) {
  const auto plan = PlanOf(kFullRequest);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->name, "encoder.conv");
  EXPECT_THAT(plan->shape, ElementsAre(3, 3, 8, 16));
  EXPECT_THAT(plan->SliceShape(), ElementsAre(1, 3, 8, 12));
  EXPECT_EQ(plan->slice[3].start, 4);
  EXPECT_EQ(plan->scheme, Scheme::kVarianceScaling);
  EXPECT_EQ(plan->activation, Activation::kGelu);
  EXPECT_EQ(plan->dtype, Dtype::kFloat16);
  EXPECT_EQ(plan->layout, Layout::kInOut);
  EXPECT_EQ(plan->generator, Generator::kPhilox4x32V1);
  EXPECT_EQ(plan->seed, UINT64_MAX);
  EXPECT_EQ(plan->fan_in, 70);
  EXPECT_EQ(plan->fan_out, 90);
  EXPECT_EQ(plan->parameters.distribution, Distribution::kUniform);
  EXPECT_NEAR(plan->stddev * plan->stddev, 3.0 / 90, 1e-12);
  EXPECT_EQ(plan->first_element, 5);
  EXPECT_EQ(plan->elements, 9);
  EXPECT_EQ(plan->chunk_elements, 50);
}

TEST(ConvertTest, OneRequestServesBothMethods) {
  const std::string wire = ParseRequest(kFullRequest).SerializeAsString();
  const auto streamed = PlanInitializeTensor(Wire(wire), Limits{});
  const auto described = PlanDescribeTensor(Wire(wire), Limits{});
  ASSERT_TRUE(streamed.ok() && described.ok());
  EXPECT_EQ(Parse<v1::DescribeTensorResponse>(SerializeDescription(*described))
                .SerializeAsString(),
            Parse<v1::DescribeTensorResponse>(SerializeDescription(*streamed))
                .SerializeAsString());
}

TEST(ConvertTest, EveryParameterReachesThePlan) {
  const auto truncated = PlanOf(
      "tensor { shape: 4 scheme: SCHEME_TRUNCATED_NORMAL"
      "  parameters { mean: 1 stddev: 2 low: -1.5 high: 0.5 } }");
  ASSERT_TRUE(truncated.ok()) << truncated.status();
  EXPECT_EQ(truncated->parameters.mean, 1);
  EXPECT_EQ(truncated->parameters.stddev, 2);
  EXPECT_EQ(truncated->parameters.low, -1.5);
  EXPECT_EQ(truncated->parameters.high, 0.5);
  const auto constant = PlanOf(
      "tensor { shape: 4 scheme: SCHEME_CONSTANT parameters { value: 7 } }");
  ASSERT_TRUE(constant.ok()) << constant.status();
  EXPECT_EQ(constant->mean, 7);
  const auto xavier = PlanOf(
      "tensor { shape: 4 shape: 8 scheme: SCHEME_XAVIER_NORMAL"
      "  parameters { gain: 3 } }");
  ASSERT_TRUE(xavier.ok()) << xavier.status();
  EXPECT_EQ(xavier->gain, 3);
  const auto he = PlanOf(
      "tensor { shape: 4 shape: 8 scheme: SCHEME_HE_NORMAL"
      "  parameters { negative_slope: 1 } }");
  ASSERT_TRUE(he.ok()) << he.status();
  EXPECT_NEAR(*he->gain, 1, 1e-12);
  const auto transposed = PlanOf(
      "tensor { shape: 4 shape: 8 scheme: SCHEME_LECUN_NORMAL"
      "  fan { transposed: true } }");
  ASSERT_TRUE(transposed.ok()) << transposed.status();
  EXPECT_EQ(transposed->fan_in, 4);
}

TEST(ConvertTest, ParameterSetToZeroIsNotAnAbsentOne) {
  EXPECT_TRUE(PlanOf("tensor { shape: 4 scheme: SCHEME_CONSTANT"
                     "  parameters { value: 0 } }")
                  .ok());
  EXPECT_THAT(
      FieldsOf(PlanOf("tensor { shape: 4 scheme: SCHEME_CONSTANT }").status()),
      ElementsAre("tensor.parameters.value"));
}

TEST(ConvertTest, UnknownEnumValuesReachTheCoreWhichNamesThem) {
  EXPECT_THAT(FieldsOf(PlanOf("tensor { shape: 4 scheme: 99 activation: 98"
                              "  dtype: -1 fan { layout: 97 } }"
                              "generator: 96")
                           .status()),
              ::testing::UnorderedElementsAre(
                  "tensor.scheme", "tensor.activation", "tensor.dtype",
                  "tensor.fan.layout", "generator"));
}

TEST(ConvertTest, AbsentTensorIsNamedTogetherWithTheOtherViolations) {
  const auto status = PlanOf("chunk_bytes: 1 slice {} first_element: 9");
  EXPECT_EQ(status.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(status.status()), ElementsAre("tensor", "chunk_bytes"));
}

TEST(ConvertTest, NameThatIsNotUtf8IsNamed) {
  // tensor { name: "\xff" } in two pieces, of which the second is at fault.
  const std::string wire(
      "\x0a\x03\x0a\x01"
      "a"
      "\x0a\x03\x0a\x01\xff",
      10);
  for (const auto& status :
       {PlanInitializeTensor(Wire(wire), Limits{}).status(),
        PlanDescribeTensor(Wire(wire), Limits{}).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(FieldsOf(status), ElementsAre("tensor.name"));
  }
}

TEST(ConvertTest, BytesThatAreNoRequestAreAnInvalidArgument) {
  for (const std::string& wire :
       {std::string("\x0a\x05"), std::string("\xff\xff\xff"),
        std::string("\x0a\x02\x0a\x05"), std::string(100, '\x0b')}) {
    const auto status = PlanInitializeTensor(Wire(wire), Limits{}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(FieldsOf(status), ElementsAre(""));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("not a valid InitializeTensorRequest"));
  }
  EXPECT_THAT(
      FieldsOf(PlanDescribeTensor(grpc::ByteBuffer(), Limits{}).status()),
      ElementsAre(""));
}

TEST(ConvertTest, RequestInSeveralSlicesIsRead) {
  const std::string wire = ParseRequest(kFullRequest).SerializeAsString();
  std::vector<grpc::Slice> slices;
  for (char byte : wire) slices.emplace_back(&byte, 1);
  const grpc::ByteBuffer buffer(slices.data(), slices.size());
  EXPECT_TRUE(PlanInitializeTensor(buffer, Limits{}).ok());
}

v1::TensorDescription DescriptionOf(const std::string& text) {
  const auto plan = PlanOf(text);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return Parse<v1::DescribeTensorResponse>(SerializeDescription(*plan))
      .description();
}

TEST(ConvertTest, DescriptionSaysEverythingThatThePlanDoes) {
  const std::string text =
      "tensor { name: \"fc\" shape: 64 shape: 32 scheme: SCHEME_XAVIER_UNIFORM"
      "  activation: ACTIVATION_RELU dtype: DTYPE_BFLOAT16 }"
      "seed: 9 slice { start: 8 } slice { stop: 16 } first_element: 6";
  const auto plan = PlanOf(text);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto description = DescriptionOf(text);
  EXPECT_EQ(description.name(), "fc");
  EXPECT_THAT(description.shape(), ElementsAre(64, 32));
  EXPECT_THAT(description.slice_shape(), ElementsAre(56, 16));
  ASSERT_EQ(description.slice_size(), 2);
  EXPECT_EQ(description.slice(0).start(), 8);
  EXPECT_EQ(description.slice(0).stop(), 64);
  EXPECT_EQ(description.slice(1).start(), 0);
  EXPECT_TRUE(description.slice(1).has_stop());
  EXPECT_EQ(description.slice(1).stop(), 16);
  EXPECT_EQ(description.scheme(), v1::SCHEME_XAVIER_UNIFORM);
  EXPECT_EQ(description.activation(), v1::ACTIVATION_RELU);
  EXPECT_EQ(description.dtype(), v1::DTYPE_BFLOAT16);
  EXPECT_EQ(description.layout(), v1::LAYOUT_OUT_IN);
  EXPECT_EQ(description.generator(), v1::GENERATOR_PHILOX4X32_V1);
  EXPECT_EQ(description.seed(), 9U);
  EXPECT_EQ(description.fan_in(), 32);
  EXPECT_EQ(description.fan_out(), 64);
  EXPECT_EQ(description.gain(), 1);
  EXPECT_EQ(description.parameters().low(), plan->parameters.low);
  EXPECT_EQ(description.parameters().high(), plan->parameters.high);
  EXPECT_EQ(description.mean(), plan->mean);
  EXPECT_EQ(description.stddev(), plan->stddev);
  EXPECT_EQ(description.low(), *plan->low);
  EXPECT_EQ(description.high(), *plan->high);
  EXPECT_EQ(description.tensor_elements(), 64 * 32);
  EXPECT_EQ(description.elements(), 56 * 16 - 6);
  EXPECT_EQ(description.bytes(), 2 * (56 * 16 - 6));
  EXPECT_EQ(description.key(), plan->stream_key.key);
  EXPECT_EQ(description.stream(), plan->stream_key.stream);
  ASSERT_EQ(description.advisories_size(), 1);
  EXPECT_EQ(description.advisories(0).code(),
            v1::ADVISORY_CODE_XAVIER_WITH_RELU);
  EXPECT_EQ(description.advisories(0).message(), plan->advisories[0].message);
}

TEST(ConvertTest, DescriptionHasOnlyTheParametersOfItsDistribution) {
  // Which of mean, stddev, low and high are present.
  const auto present = [](const std::string& scheme) {
    const auto description = DescriptionOf(
        absl::StrCat("tensor { shape: 4 shape: 4 scheme: ", scheme, " }"));
    const auto& parameters = description.parameters();
    return std::vector<bool>{parameters.has_mean(), parameters.has_stddev(),
                             parameters.has_low(), parameters.has_high()};
  };
  EXPECT_THAT(present("SCHEME_ONES"), ElementsAre(true, false, false, false));
  EXPECT_THAT(present("SCHEME_UNIFORM"), ElementsAre(false, false, true, true));
  EXPECT_THAT(present("SCHEME_NORMAL"), ElementsAre(true, true, false, false));
  EXPECT_THAT(present("SCHEME_TRUNCATED_NORMAL"),
              ElementsAre(true, true, true, true));
}

TEST(ConvertTest, WhatATensorHasNotIsAbsent) {
  const auto description =
      DescriptionOf("tensor { shape: 4 scheme: SCHEME_NORMAL }");
  EXPECT_FALSE(description.has_fan_in());
  EXPECT_FALSE(description.has_fan_out());
  EXPECT_FALSE(description.has_gain());
  EXPECT_FALSE(description.has_low());
  EXPECT_FALSE(description.has_high());
}

TEST(ConvertTest, HeaderAndTrailerAreParts) {
  const auto plan = PlanOf("tensor { shape: 4 }");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(Parse<v1::InitializeTensorResponse>(SerializeHeader(*plan))
                .header()
                .description()
                .elements(),
            4);
  const auto trailer =
      Parse<v1::InitializeTensorResponse>(SerializeTrailer(1, 2, 3)).trailer();
  EXPECT_EQ(trailer.elements(), 1);
  EXPECT_EQ(trailer.bytes(), 2);
  EXPECT_EQ(trailer.crc32(), 3U);
}

TEST(ConvertTest, ServerInfoListsEverythingNamedAndTheLimits) {
  v1::GetServerInfoResponse info;
  Limits limits;
  limits.max_elements = 12345;
  DescribeServer(limits, 77, &info);
  EXPECT_THAT(info.schemes(), SizeIs(v1::Scheme_ARRAYSIZE - 1));
  EXPECT_THAT(info.dtypes(), SizeIs(v1::Dtype_ARRAYSIZE - 1));
  EXPECT_THAT(info.generators(), ElementsAre(v1::GENERATOR_PHILOX4X32_V1));
  EXPECT_EQ(info.limits().max_elements(), 12345);
  EXPECT_EQ(info.limits().max_streams(), 77);
  EXPECT_EQ(info.limits().max_rank(), 16);
  EXPECT_EQ(info.limits().max_name_bytes(), 1024);
  EXPECT_EQ(info.limits().min_chunk_bytes(), 64);
  EXPECT_EQ(info.limits().max_chunk_bytes(), 2097152);
  EXPECT_EQ(info.limits().default_chunk_bytes(), 262144);
}

}  // namespace
}  // namespace weightinit
