// What single values are read as, above all where versions of YAML differ.

#include <google/protobuf/descriptor.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/client/manifest.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// A manifest with one entry.
absl::StatusOr<v1::ModelEntry> Entry(const std::string& entry) {
  const absl::StatusOr<v1::ModelSpec> model =
      ParseManifest("version: 1\nentries:\n  - " + entry + "\n", "m.yaml");
  if (!model.ok()) return model.status();
  return model->entries(0);
}

std::string Error(const std::string& entry) {
  return std::string(Entry(entry).status().message());
}

TEST(ManifestValuesTest, WholeNumbersAreDecimal) {
  const auto in_features = [](const std::string& text) {
    const auto entry = Entry("dense: {in_features: " + text + "}");
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? entry->dense().in_features() : -1;
  };
  EXPECT_EQ(in_features("64"), 64);
  EXPECT_EQ(in_features("'64'"), 64);
  EXPECT_EQ(in_features("\"64\""), 64);
  EXPECT_EQ(in_features("64.0"), 64);
  EXPECT_EQ(in_features("1e3"), 1000);
  EXPECT_EQ(in_features("6.4E+1"), 64);
  EXPECT_EQ(in_features("-1"), -1);
  EXPECT_EQ(in_features("0"), 0);
  EXPECT_EQ(in_features("9223372036854775807"),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(in_features("-9223372036854775808"),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(in_features("null"), 0);
  EXPECT_EQ(in_features("~"), 0);
}

TEST(ManifestValuesTest, WhatIsNoWholeNumberIsRefused) {
  // The last ones are numbers in some version of YAML.
  for (const char* text : {"1.5",
                           "1e-1",
                           "x",
                           "",
                           "64 64",
                           "9223372036854775808",
                           "-9223372036854775809",
                           "1e18",
                           "1e400",
                           "true",
                           "1,000",
                           "0x40",
                           "0o100",
                           "010",
                           "1_000",
                           "1:30",
                           "+64",
                           "64.",
                           ".inf",
                           "0b11"}) {
    EXPECT_THAT(Error(absl::StrCat("dense: {in_features: \"", text, "\"}")),
                EndsWith(absl::StrCat(
                    "m.yaml:3:26: entries[0].dense.in_features: is \"", text,
                    "\"; must be a whole number from -9223372036854775808 to "
                    "9223372036854775807")));
  }
  EXPECT_THAT(Error("dense: {in_features: 010}"), HasSubstr("is \"010\""));
  EXPECT_THAT(Error("dense: {in_features: 1_000}"), HasSubstr("is \"1_000\""));
  EXPECT_THAT(Error("dense: {in_features: 1:30}"), HasSubstr("is \"1:30\""));
  EXPECT_THAT(
      Error("tensor: {concatenation: {axis: 2147483648}}"),
      EndsWith("must be a whole number from -2147483648 to 2147483647"));
}

TEST(ManifestValuesTest, NumbersAreFinite) {
  const auto stddev = [](const std::string& text) {
    const auto entry = Entry("tensor: {parameters: {stddev: " + text + "}}");
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? entry->tensor().parameters().stddev() : -1;
  };
  EXPECT_EQ(stddev("0.02"), 0.02);
  EXPECT_EQ(stddev("'0.02'"), 0.02);
  EXPECT_EQ(stddev("2e-2"), 0.02);
  EXPECT_EQ(stddev("2"), 2.0);
  EXPECT_EQ(stddev("-0.5"), -0.5);
  EXPECT_EQ(stddev("1.7976931348623157e308"),
            std::numeric_limits<double>::max());
  for (const char* text :
       {"NaN", ".nan", "Infinity", "-Infinity", ".inf", "-.inf", "inf", ".5",
        "5.", "+0.5", "1_0.5", "0x1p3", "1e", "--1", "1 / 2", "''"}) {
    EXPECT_THAT(
        Error(absl::StrCat("tensor: {parameters: {stddev: ", text, "}}")),
        HasSubstr("must be a finite number as JSON writes it, such as 0.5"))
        << text;
  }
  EXPECT_THAT(Error("tensor: {parameters: {stddev: 1e999}}"),
              HasSubstr("must be 0 or from 4.9e-324 to 1.8e308 in size"));
  EXPECT_THAT(Error("tensor: {parameters: {stddev: 1e-999}}"),
              HasSubstr("must be 0 or from 4.9e-324 to 1.8e308 in size"));
}

TEST(ManifestValuesTest, BoolsAreTrueAndFalseOnly) {
  EXPECT_TRUE(Entry("dense: {bias: true}")->dense().bias());
  EXPECT_FALSE(Entry("dense: {bias: false}")->dense().bias());
  EXPECT_TRUE(Entry("dense: {bias: false}")->dense().has_bias());
  EXPECT_FALSE(Entry("dense: {bias: null}")->dense().has_bias());
  EXPECT_FALSE(Entry("dense: {bias: }")->dense().has_bias());
  for (const char* text : {"yes", "no", "on", "off", "y", "True", "FALSE", "1",
                           "0", "'true'", "\"false\""}) {
    EXPECT_THAT(Error(absl::StrCat("dense: {bias: ", text, "}")),
                EndsWith("must be true or false, in lower case and without "
                         "quotes"));
  }
}

TEST(ManifestValuesTest, TextsAreWhatIsWritten) {
  for (const char* text : {"no", "off", "true", "1_000", "010", "1:30", "1.50",
                           "0x10", "2026-01-01", "=", ".inf", "a b"}) {
    EXPECT_EQ(Entry(absl::StrCat("name: ", text))->name(), text);
    EXPECT_EQ(Entry(absl::StrCat("name: '", text, "'"))->name(), text);
  }
  EXPECT_EQ(Entry("name: 'null'")->name(), "null");
  EXPECT_EQ(Entry("name: null")->name(), "");
  EXPECT_EQ(Entry("name: \"h.{i}\"")->name(), "h.{i}");
}

TEST(ManifestValuesTest, AnExpressionMayBeANumberAndIsKeptAsWritten) {
  const auto entry =
      Entry("tensor: {expressions: {stddev: 0.020, mean: 1 + 2, low: '-1e0'}}");
  ASSERT_TRUE(entry.ok()) << entry.status();
  const auto& expressions = entry->tensor().expressions();
  EXPECT_EQ(expressions.at("stddev"), "0.020");
  EXPECT_EQ(expressions.at("mean"), "1 + 2");
  EXPECT_EQ(expressions.at("low"), "-1e0");
}

TEST(ManifestValuesTest, SchemesOfFrameworksBringTheirParameters) {
  const auto tensor = [](const std::string& text) {
    const auto entry = Entry("tensor: {" + text + "}");
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? entry->tensor() : v1::TensorEntry();
  };
  const v1::TensorEntry glorot = tensor("scheme: keras.glorot_normal");
  EXPECT_EQ(glorot.scheme(), v1::SCHEME_VARIANCE_SCALING);
  EXPECT_EQ(glorot.parameters().fan_mode(), v1::FAN_MODE_AVERAGE);
  EXPECT_EQ(glorot.parameters().scale(), 1);
  // What is given comes first, wherever it stands.
  const v1::TensorEntry given =
      tensor("parameters: {stddev: 0.3}, scheme: keras.random_normal");
  EXPECT_EQ(given.parameters().stddev(), 0.3);
  EXPECT_EQ(given.parameters().mean(), 0);
  const v1::TensorEntry computed =
      tensor("scheme: keras.random_normal, expressions: {stddev: '1 / 3'}");
  EXPECT_FALSE(computed.parameters().has_stddev());
  EXPECT_EQ(computed.parameters().mean(), 0);
  const v1::TensorEntry absolute =
      tensor("scheme: torch.trunc_normal_, parameters: {stddev: 0.02}");
  EXPECT_EQ(absolute.parameters().low(), -100);
  EXPECT_THAT(
      Entry("tensor: {scheme: torch.trunc_normal, expressions: {stddev: '1'}}")
          .status()
          .message(),
      HasSubstr("can't be expressions"));
  EXPECT_THAT(Entry("tensor: {scheme: kaiming_normal}").status().message(),
              HasSubstr("or of a framework: torch.kaiming_normal, "
                        "jax.kaiming_normal"));
}

TEST(ManifestValuesTest, EnumsHaveTheNamesOfTheProtoAndOfTheCommandLine) {
  const auto scheme = [](const std::string& text) {
    const auto entry = Entry("tensor: {scheme: " + text + "}");
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.ok() ? entry->tensor().scheme() : v1::SCHEME_UNSPECIFIED;
  };
  for (const char* text : {"SCHEME_HE_NORMAL", "he_normal", "He_Normal",
                           "HE_NORMAL", "'he_normal'"}) {
    EXPECT_EQ(scheme(text), v1::SCHEME_HE_NORMAL) << text;
  }
  EXPECT_EQ(scheme("SCHEME_UNSPECIFIED"), v1::SCHEME_UNSPECIFIED);
  const v1::TensorEntry tensor =
      Entry(
          "tensor: {activation: none, dtype: bf16, fan: {layout: in_out}, "
          "parameters: {fan_mode: fan_out, distribution: truncated_normal}}")
          ->tensor();
  EXPECT_EQ(tensor.activation(), v1::ACTIVATION_LINEAR);
  EXPECT_EQ(tensor.dtype(), v1::DTYPE_BFLOAT16);
  EXPECT_EQ(tensor.fan().layout(), v1::LAYOUT_IN_OUT);
  EXPECT_EQ(tensor.parameters().fan_mode(), v1::FAN_MODE_OUT);
  EXPECT_EQ(tensor.parameters().distribution(),
            v1::DISTRIBUTION_TRUNCATED_NORMAL);
  EXPECT_EQ(Entry("lstm: {gate_order: keras}")->lstm().gate_order(),
            v1::GATE_ORDER_KERAS);
  EXPECT_EQ(Entry("lstm: {gate_order: GATE_ORDER_TORCH}")->lstm().gate_order(),
            v1::GATE_ORDER_TORCH);
}

TEST(ManifestValuesTest, AnUnknownEnumIsToldTheNames) {
  EXPECT_EQ(
      Error("tensor: {dtype: float31}"),
      "m.yaml:3:21: entries[0].tensor.dtype: is \"float31\"; did you mean "
      "float32? must be one of float32, float64, float16, bfloat16");
  EXPECT_EQ(Error("lstm: {gate_order: 2}"),
            "m.yaml:3:24: entries[0].lstm.gate_order: is \"2\"; must be one of "
            "torch, keras");
}

TEST(ManifestValuesTest, NullLeavesAFieldOut) {
  const auto entry = Entry("{tensor: null, dense: {in_features: 1}}");
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_TRUE(entry->has_dense());
  EXPECT_EQ(Entry("dense:")->kind_case(), v1::ModelEntry::KIND_NOT_SET);
  EXPECT_TRUE(Entry("dense: {}")->has_dense());
}

// Adds the types of the fields of `type`, and of those inside, to `types`.
void CollectTypes(const google::protobuf::Descriptor& type,
                  std::set<const google::protobuf::Descriptor*>& seen,
                  std::set<std::string>& types) {
  if (!seen.insert(&type).second) return;
  for (int f = 0; f < type.field_count(); ++f) {
    types.insert(std::string(type.field(f)->type_name()));
    if (type.field(f)->message_type() != nullptr) {
      CollectTypes(*type.field(f)->message_type(), seen, types);
    }
  }
}

TEST(ManifestValuesTest, TheReaderKnowsAllTypesThatTheModelHas) {
  std::set<const google::protobuf::Descriptor*> seen;
  std::set<std::string> types;
  CollectTypes(*v1::ModelSpec::descriptor(), seen, types);
  EXPECT_THAT(types, ElementsAre("bool", "double", "enum", "int32", "int64",
                                 "message", "string"));
}

}  // namespace
}  // namespace weightinit
