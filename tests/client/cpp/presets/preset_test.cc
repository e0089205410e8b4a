// Presets in the library: what they add to a model, and what is refused.

#include "weightinit/client/preset.h"

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "weightinit/client/manifest.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/preset.pb.h"

namespace weightinit {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Two blocks; the second one's weight has the part "blocks.1.query".
const char kModel[] = R"(
version: 1
constants: {layers: 2}
entries:
  - {name: blocks.0.out.weight, tensor: {shape: [4, 4]}}
  - name: blocks.1.out.weight
    tensor:
      shape: [4, 4]
      concatenation:
        parts: [{name: blocks.1.query, size: 2}, {name: blocks.1.key, size: 2}]
  - {name: tied, alias: blocks.0.out.weight}
rules:
  - {match: "*.out.weight", scheme: zeros}
)";

// With `rules` as YAML.
std::string PresetWith(const std::string& rules) {
  return "version: 1\nname: p\nsummary: s\nsources: [a]\nnames: [b]\n"
         "constants:\n"
         "  - {name: layers, what: blocks}\n"
         "  - {name: sigma, what: deviation, default_value: 0.5}\n"
         "rules:\n" +
         rules;
}

v1::ModelSpec Model() {
  auto model = ParseManifest(kModel, "model.yaml");
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

absl::Status Apply(const std::string& rules, v1::ModelSpec& model) {
  const auto preset = ParsePreset(PresetWith(rules), "p.yaml");
  EXPECT_TRUE(preset.ok()) << preset.status();
  return ApplyPreset(*preset, model);
}

// "PATTERN stddev" of the rules that are added to the model.
std::vector<std::string> Added(const std::string& rules) {
  v1::ModelSpec model = Model();
  const int own = model.rules_size();
  const absl::Status status = Apply(rules, model);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<std::string> added;
  for (int r = own; r < model.rules_size(); ++r) {
    const v1::ModelRule& rule = model.rules(r);
    EXPECT_TRUE(rule.expressions().empty());
    added.push_back(rule.match() + " " +
                    std::to_string(rule.parameters().stddev()));
  }
  return added;
}

TEST(PresetTest, EveryOneThatComesAlongIsGoodAndCalledAsItsFile) {
  EXPECT_THAT(PresetNames(), Not(IsEmpty()));
  for (const std::string& name : PresetNames()) {
    const auto preset = ReadPreset(name);
    ASSERT_TRUE(preset.ok()) << preset.status();
    EXPECT_EQ(preset->name(), name);
  }
}

TEST(PresetTest, ComputesExpressionsAndAddsOnlyRulesThatMatch) {
  EXPECT_THAT(Added("  - {match: ['*.weight', other], scheme: normal,"
                    " expressions: {stddev: sigma / layers}}\n"
                    "  - {match: [nothing], scheme: normal}\n"),
              ElementsAre("*.weight 0.250000"));
}

TEST(PresetTest, RulesReachPartsByTheirNames) {
  EXPECT_THAT(Added("  - {match: ['*.query'], scheme: normal,"
                    " parameters: {stddev: 3}}\n"),
              ElementsAre("*.query 3.000000"));
}

TEST(PresetTest, AliasesHaveNoRules) {
  v1::ModelSpec model = Model();
  EXPECT_THAT(
      std::string(
          Apply("  - {match: [tied], scheme: ones}\n", model).message()),
      HasSubstr("matches no tensor"));
}

TEST(PresetTest, RepeatedRulesHaveTheIndexInPatternsAndExpressions) {
  EXPECT_THAT(
      Added("  - match: ['*.{i}.out.weight', 'h.{i}.*']\n"
            "    repeat: {index: i, count: 2 * layers}\n"
            "    scheme: normal\n"
            "    expressions: {stddev: 1 / (i + 1)}\n"),
      ElementsAre("*.0.out.weight 1.000000", "*.1.out.weight 0.500000"));
}

TEST(PresetTest, AnErrorLeavesTheModelAsItIs) {
  for (const char* const rules :
       {"  - {match: ['*'], scheme: ones}\n"
        "  - {match: ['*'], scheme: normal, expressions: {stddev: 1 / 0}}\n",
        "  - {match: ['*'], scheme: normal, expressions: {stddev: unknown}}\n",
        "  - {match: ['*'], scheme: ones, repeat: {index: i, count: 0.5}}\n",
        "  - {match: [nothing], scheme: ones}\n"}) {
    v1::ModelSpec model = Model();
    const absl::Status status = Apply(rules, model);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << rules;
    EXPECT_THAT(std::string(status.message()), HasSubstr("preset p: "));
    EXPECT_TRUE(MessageDifferencer::Equals(model, Model())) << rules;
  }
}

TEST(PresetTest, MissingConstantsAreAllNamed) {
  v1::ModelSpec model = Model();
  model.clear_constants();
  const auto preset = ReadPreset("mup");
  ASSERT_TRUE(preset.ok());
  const std::vector<Violation> violations =
      GetViolations(ApplyPreset(*preset, model));
  ASSERT_EQ(violations.size(), 2U);
  EXPECT_EQ(violations[0].field, "model.constants[width]");
  EXPECT_EQ(violations[1].field, "model.constants[base_width]");
}

TEST(PresetTest, ModelThatIsWrongHasItsOwnViolations) {
  v1::ModelSpec model = Model();
  model.mutable_entries(0)->mutable_tensor()->set_shape(0, -1);
  const auto preset = ReadPreset("lora");
  ASSERT_TRUE(preset.ok());
  const std::vector<Violation> violations =
      GetViolations(ApplyPreset(*preset, model));
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].field, "model.entries[0].tensor.shape[0]");
}

TEST(PresetTest, ConstantsAreThoseOfTheModelOrOfAPreset) {
  v1::ModelSpec model = Model();
  const auto preset = ReadPreset("siren");
  ASSERT_TRUE(preset.ok());
  EXPECT_TRUE(
      SetConstants({{"layers", 3}, {"omega_0", 20}}, {*preset}, model).ok());
  EXPECT_EQ(model.constants().at("layers"), 3);
  EXPECT_EQ(model.constants().at("omega_0"), 20);
  const v1::ModelSpec before = model;
  const absl::Status status =
      SetConstants({{"layers", 4}, {"omega_1", 20}}, {*preset}, model);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("\"omega_1\" is no constant"),
                    HasSubstr("did you mean omega_0?")));
  EXPECT_TRUE(MessageDifferencer::Equals(model, before));
}

TEST(PresetTest, EachThingThatIsWrongIsTold) {
  const std::string text =
      "version: 1\nsummary: s\nnames: [b]\n"
      "constants: [{name: 2x, what: a}, {name: y}, {name: y, what: b}]\n"
      "rules:\n"
      "  - {match: [], repeat: {index: sqrt}}\n"
      "  - {match: [''], expressions: {fan_mode: 1, gain: 2},"
      " parameters: {gain: 1}}\n";
  const auto preset = ParsePreset(text, "p.yaml");
  ASSERT_FALSE(preset.ok());
  const std::string message(preset.status().message());
  for (const char* const line :
       {"p.yaml: name: is required", "p.yaml: sources: is required",
        "p.yaml: constants[0].name: is \"2x\"; must be",
        "p.yaml: constants[1].what: is required",
        "p.yaml: constants[2].name: is given a second time",
        "p.yaml: rules[0].match: is required",
        "p.yaml: rules[0].repeat.index: is \"sqrt\"",
        "p.yaml: rules[0].repeat.count: is required",
        "p.yaml: rules[1].match[0]: is required",
        "p.yaml: rules[1].expressions[fan_mode]: is no parameter",
        "p.yaml: rules[1].expressions[gain]: is set, and the number too"}) {
    EXPECT_THAT(message, HasSubstr(line));
  }
}

}  // namespace
}  // namespace weightinit
