// What is wrong with a manifest, and where.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/client/manifest.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> Errors(const std::string& text,
                                const std::string& file) {
  const absl::Status status = ParseManifest(text, file).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return absl::StrSplit(std::string(status.message()), '\n');
}

struct Case {
  const char* text;
  const char* error;  // The only one, without the name of the file.
};

TEST(ManifestErrorsTest, OfYamlTellLineAndColumn) {
  const std::vector<Case> cases = {
      {"", "1:1: is no map of fields; a manifest begins with \"version: 1\""},
      {"# nothing\n",
       "1:1: is no map of fields; a manifest begins with \"version: 1\""},
      {"- 1\n",
       "1:1: is no map of fields; a manifest begins with \"version: 1\""},
      {"hello\n",
       "1:1: is no map of fields; a manifest begins with \"version: 1\""},
      {"name: x\n", "1:1: version: is required; must be 1"},
      {"version:\nname: x\n", "1:1: version: is required; must be 1"},
      {"version: 2\nfuture: 1\n", "1:10: version: is \"2\"; must be 1"},
      {"version: one\n", "1:10: version: is \"one\"; must be 1"},
      {"version: 1\nentries: {}\n",
       "2:10: entries: is a map; must be a list of maps"},
      {"version: 1\nentries: 5\n",
       "2:10: entries: is \"5\"; must be a list of maps"},
      {"version: 1\nentries: [5]\n",
       "2:11: entries[0]: is \"5\"; must be a map of fields"},
      {"version: 1\nentries:\n  - {name: x}\n  -\n",
       "5:1: entries[1]: is null; must be a map of fields"},
      {"version: 1\nentries:\n- tensor: {shape: 5}\n",
       "3:19: entries[0].tensor.shape: is \"5\"; must be a list, such as [64, "
       "3]"},
      {"version: 1\ndefaults: [1]\n",
       "2:11: defaults: is a list; must be a map of fields"},
      {"version: 1\nconstants: [1]\n",
       "2:12: constants: is a list; must be a map, such as {a: 1}"},
      {"version: 1\nname: [x]\n",
       "2:7: name: is a list; must be a single value"},
      {"version: 1\nconstants: {a: null}\n",
       "2:16: constants[a]: is null; must be a single value"},
      {"version: 1\nconstants: {[a]: 1}\n",
       "2:13: constants: has a key that is a list; must be a name"},
      {"version: 1\n~: 1\n", "2:1: has a key that is null; must be a name"},
      {"version: 1\nversion: 1\n",
       "2:1: version: is given a second time; give it once"},
      {"version: 1\nconstants: {a: 1, a: 2}\n",
       "2:19: constants[a]: is given a second time; give it once"},
      {"version: 1\nentries:\n"
       "- conv: {in_channels: 1,\n         inChannels: 2}\n",
       "4:10: entries[0].conv.in_channels: is given a second time; give it "
       "once"},
      {"version: 1\nentries:\n  - name: x\n    tensor: {shape: [2]}\n"
       "    dense: {in_features: 2}\n",
       "5:5: entries[0].dense: is given beside tensor; give one kind"},
      {"version: 1\nentries:\n  - dense: {in_feature: 2}\n",
       "3:13: entries[0].dense.in_feature: is no field here; did you mean "
       "in_features? must be one of in_features, out_features, bias"},
      {"version: 1\nentries:\n  - dense: {zzzzzzzz: 2}\n",
       "3:13: entries[0].dense.zzzzzzzz: is no field here; must be one of "
       "in_features, out_features, bias"},
      {"version: 1\nentries:\n  - dense: {\"a\\nb\": 2}\n",
       "3:13: entries[0].dense.a\\nb: is no field here; must be one of "
       "in_features, out_features, bias"},
      {"version: 1\n<<: {name: x}\n",
       "2:1: <<: is a merge key, which a manifest does not have; write the "
       "fields out, or use defaults"},
      {"version: 1\nname: !!str x\n",
       "2:7: has the tag tag:yaml.org,2002:str; a manifest has no tags"},
      {"version: 1\n---\nversion: 1\n",
       "2:1: there is a second document; a manifest is one"},
      {"version: 1\n\tname: x\n",
       "2:1: illegal tab when looking for indentation"},
      {"version: 1\nname: \"x", "2:9: illegal EOF in scalar"},
      {"version: 1\nname: \"x\n", "3:1: illegal EOF in scalar"},
      {"version: 1\nname: 'x\n\n", "4:1: illegal EOF in scalar"},
      // A character of several bytes is one column.
      {"version: 1\n\"n\xc3\xa4me\": {x: 1}\n",
       "2:1: n\xc3\xa4me: is no field here; must be one of "
       "version, name, defaults, constants, entries, rules, "
       "framework_defaults"},
      {"version: 1\nconstants: {\"\xe2\x82\xac\": x}\n",
       "2:18: constants[\xe2\x82\xac]: is \"x\"; must be a finite number as "
       "JSON writes it, such as 0.5"},
      {"version: 1\nname: \xff\n", "2:7: is not UTF-8, as a manifest must be"},
      {"version: 1\nname: \xc3\xa4\xed\xa0\x80\n",
       "2:8: is not UTF-8, as a manifest must be"},
      {"version: 1\nname: x\x04y\n",
       "2:8: is the control character 0x04; of these only tabs and ends of "
       "lines may be in a manifest"},
  };
  for (const Case& expected : cases) {
    EXPECT_THAT(Errors(expected.text, "m.yaml"),
                ElementsAre(absl::StrCat("m.yaml:", expected.error)))
        << expected.text;
  }
}

TEST(ManifestErrorsTest, AnAliasOfNothingIsNamedOrNotByTheYamlLibrary) {
  // From yaml-cpp 0.8 on the alias follows.
  EXPECT_THAT(Errors("version: 1\nname: *nobody\n", "m.yaml"),
              ElementsAre(StartsWith(
                  "m.yaml:2:7: the referenced anchor is not defined")));
}

TEST(ManifestErrorsTest, OfJsonTellLineAndColumn) {
  const std::vector<Case> cases = {
      {"", "1:1: a value is expected"},
      {"[1]",
       "1:1: is no map of fields; a manifest begins with \"version: 1\""},
      {R"({"version": 1)", R"(1:14: "," or "}" is expected)"},
      {R"({"version": 1,})", "1:15: a name in double quotes is expected"},
      {R"({"version" 1})", "1:12: \":\" is expected"},
      {"{version: 1}", "1:2: a name in double quotes is expected"},
      {R"({"version": })", "1:13: a value is expected"},
      {R"({"version": 01})", "1:13: \"01\" is no value of JSON"},
      {R"({"version": NaN})", "1:13: \"NaN\" is no value of JSON"},
      {R"({"version": +1})", "1:13: \"+1\" is no value of JSON"},
      {"{\"version\": 1}\n{}", "2:1: the end of the text is expected"},
      {R"({"version": 1 /* one */})", R"(1:15: "," or "}" is expected)"},
      {"{\"version\": 1,\n \"entries\": [1 2]}",
       R"(2:16: "," or "]" is expected)"},
      {"{\"version\": 1,\n\t\"entries\": [1,]}", "2:16: a value is expected"},
      {"{\"version\": 1, \"name\": \"x\ny\"}",
       "1:24: the end of this text is missing"},
      {R"({"version": 1, "name": "x)", "1:24: the end of this text is missing"},
      {R"({"version": 1, "name": "\x"})", "1:25: there is no such escape"},
      {R"({"version": 1, "name": "\)", "1:25: there is no such escape"},
      {R"({"version": 1, "name": "\u12G4"})",
       "1:25: four hexadecimal digits are expected"},
      {R"({"version": 1, "name": "\u12)",
       "1:25: four hexadecimal digits are expected"},
      {R"({"version": 1, "name": "\ud800"})",
       "1:25: a surrogate stands alone; they come in pairs"},
      {R"({"version": 1, "name": "\ud800\u0041"})",
       "1:25: a surrogate stands alone; they come in pairs"},
      {R"({"version": 1, "name": "\udc00"})",
       "1:25: a surrogate stands alone; they come in pairs"},
      {"{\"version\": 1,\n\t\"entries\": [{\"dense\": {\"bias\": \"true\"}}]}",
       "2:33: entries[0].dense.bias: is \"true\"; must be true or false, in "
       "lower case and without quotes"},
      {"{\"version\": 1,\n \"name\": \"a\", \"name\": \"b\"}",
       "2:15: name: is given a second time; give it once"},
      {R"({"version": 1, "entries": [null]})",
       "1:28: entries[0]: is null; must be a map of fields"},
  };
  for (const Case& expected : cases) {
    EXPECT_THAT(Errors(expected.text, "m.json"),
                ElementsAre(absl::StrCat("m.json:", expected.error)))
        << expected.text;
  }
}

TEST(ManifestErrorsTest, ComeAllAtOnceButNotMoreThanSixteen) {
  EXPECT_THAT(
      Errors("version: 1\nnam: x\nentries:\n- dense: {bias: 1}\n- tensr: {}\n",
             "m.yaml"),
      ElementsAre(StartsWith("m.yaml:2:1: nam: "),
                  StartsWith("m.yaml:4:17: entries[0].dense.bias: "),
                  StartsWith("m.yaml:5:3: entries[1].tensr: ")));
  std::string text = "version: 1\nentries:\n";
  for (int i = 0; i < 50; ++i) text += "- x\n";
  EXPECT_THAT(Errors(text, "m.yaml"), SizeIs(16));
}

TEST(ManifestErrorsTest, StayShortAndInOneLine) {
  const std::string letters(5000, 'x');
  const std::vector<std::string> errors =
      Errors("version: 1\n\"" + letters.substr(0, 900) + "\": 1\ndefaults: {" +
                 "scheme: \"a\\nb" + letters + "\"}\n",
             "m.yaml");
  ASSERT_THAT(errors, SizeIs(2));
  for (const std::string& error : errors) EXPECT_LT(error.size(), 500U);
  EXPECT_THAT(errors[1], HasSubstr("a\\nbxxx"));
}

TEST(PlaceInManifestTest, IsThatOfTheValueOfAField) {
  const std::string yaml =
      "version: 1\n"
      "constants: {a.b: 1}\n"
      "entries:\n"
      "  - name: h\n"
      "    block:\n"
      "      entries:\n"
      "        - {name: x, conv: {inChannels: 3, kernel_size: [3, -1]}}\n"
      "        - name: y\n"
      "          tensor: {expressions: {stddev: 1 / 0}}\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"model", "1:1"},
      {"model.version", "1:10"},
      {"model.constants[a.b]", "2:18"},
      {"model.entries", "4:3"},
      {"model.entries[0]", "4:5"},
      {"entries[0].name", "4:11"},
      {"model.entries[0].block.entries[0].conv.in_channels", "7:40"},
      {"model.entries[0].block.entries[0].conv.kernel_size[1]", "7:60"},
      {"model.entries[0].block.entries[1].tensor.expressions[stddev]", "9:42"},
      // Not there: the map that it is missing from.
      {"model.entries[0].block.entries[0].conv.out_channels", "7:27"},
      {"model.entries[7].name", "4:3"},
      {"model.entries[0].name.x", "4:11"},
      {"model.entries[x", "4:3"},
      {"seed", "1:1"},
      {"", "1:1"},
  };
  for (const auto& [field, place] : cases) {
    EXPECT_EQ(PlaceInManifest(yaml, "m.yaml", field), "m.yaml:" + place)
        << field;
  }
  EXPECT_EQ(PlaceInManifest("{\"version\": 1,\n \"name\": \"n\"}", "-", "name"),
            "standard input:2:10");
  EXPECT_EQ(PlaceInManifest("{\n ?}", "m.json", "name"), "m.json:2:2");
}

}  // namespace
}  // namespace weightinit
