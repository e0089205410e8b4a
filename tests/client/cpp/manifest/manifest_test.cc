// Manifests as a whole: YAML and JSON, files, what YAML adds.

#include "weightinit/client/manifest.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// What a text says; an empty message, and a failed test, if it says nothing.
v1::ModelSpec Parsed(const std::string& text,
                     const std::string& file = "m.yaml") {
  const absl::StatusOr<v1::ModelSpec> model = ParseManifest(text, file);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *model : v1::ModelSpec();
}

std::string Error(const std::string& text, const std::string& file = "m.yaml") {
  const absl::StatusOr<v1::ModelSpec> model = ParseManifest(text, file);
  EXPECT_EQ(model.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(model.status().message());
}

constexpr char kYaml[] = R"(# A comment.
version: 1
name: small
constants: {depth: 12}
defaults:
  dtype: bfloat16
  expressions: {stddev: 0.02 / sqrt(2 * depth)}
entries:
  - name: "h.{i}"
    repeat: [{index: i, count: 12}]
    block:
      entries:
        - name: fc
          dense: {in_features: 768, out_features: 3072, bias: false}
        - {name: ln, layer_norm: {normalized_shape: [768]}}
  - name: head.weight
    alias: h.0.fc.weight
rules:
  - match: "*.fc.weight"
    scheme: normal
    parameters:
      mean: 0
)";

constexpr char kJson[] = R"json({
  "version": 1,
  "name": "small",
  "constants": {"depth": 12},
  "defaults": {"dtype": "DTYPE_BFLOAT16",
               "expressions": {"stddev": "0.02 / sqrt(2 * depth)"}},
  "entries": [
    {"name": "h.{i}", "repeat": [{"index": "i", "count": "12"}],
     "block": {"entries": [
       {"name": "fc", "dense": {"inFeatures": "768", "outFeatures": 3072,
                                "bias": false}},
       {"name": "ln", "layerNorm": {"normalizedShape": [768]}}]}},
    {"name": "head.weight", "alias": "h.0.fc.weight"}],
  "rules": [{"match": "*.fc.weight", "scheme": "SCHEME_NORMAL",
             "parameters": {"mean": 0}}]
})json";

TEST(ManifestTest, YamlAndJsonSayTheSame) {
  const v1::ModelSpec model = Parsed(kYaml);
  EXPECT_EQ(model.entries_size(), 2);
  EXPECT_EQ(model.entries(0).block().entries(0).dense().in_features(), 768);
  EXPECT_TRUE(model.entries(0).block().entries(0).dense().has_bias());
  EXPECT_EQ(model.rules(0).scheme(), v1::SCHEME_NORMAL);
  EXPECT_TRUE(model.rules(0).parameters().has_mean());
  EXPECT_TRUE(MessageDifferencer::Equals(model, Parsed(kJson, "m.json")));
}

TEST(ManifestTest, JsonIsWhatProtobufWrites) {
  const v1::ModelSpec model = Parsed(kYaml);
  std::string json;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(model, &json).ok());
  EXPECT_TRUE(MessageDifferencer::Equals(model, Parsed(json, "m.json")));
}

TEST(ManifestTest, JsonIsToldByItsNameOrItsFirstCharacter) {
  // A pair of surrogates, which only the reader of JSON takes.
  const std::string json = R"({"version": 1, "name": "\ud83d\ude00"})";
  for (const char* file : {"m.json", "M.JSON", "-", "m", "m.txt"}) {
    EXPECT_EQ(Parsed(json, file).name(), "\xf0\x9f\x98\x80") << file;
  }
  EXPECT_EQ(Parsed(" \n" + json, "-").name(), "\xf0\x9f\x98\x80");
  EXPECT_THAT(Error(json, "m.yaml"), HasSubstr("m.yaml:1:31: invalid unicode"));
  EXPECT_THAT(Error("version: 1\n", "m.json"), HasSubstr("m.json:1:1: "));
  EXPECT_EQ(Parsed("version: 1\nname: n\n", "-").name(), "n");
}

TEST(ManifestTest, JsonInAYamlFileIsYaml) {
  EXPECT_TRUE(MessageDifferencer::Equals(Parsed(kYaml), Parsed(kJson)));
  // Comments, and commas at the end, are YAML's.
  EXPECT_EQ(Parsed("{version: 1, # one\n\"name\": n,}").name(), "n");
}

TEST(ManifestTest, JsonMayBeIndentedByTabsAndEndLinesLikeWindows) {
  const std::string json = "{\r\n\t\"version\":\t1,\r\n\t\"name\" : \"n\"\r\n}";
  EXPECT_EQ(Parsed(json, "m.json").name(), "n");
  EXPECT_EQ(Parsed(json, "m.yaml").name(), "n");
  EXPECT_EQ(Parsed("version: 1\r\nname: n\r\n").name(), "n");
}

TEST(ManifestTest, EveryEscapeOfJsonIsRead) {
  EXPECT_EQ(
      Parsed(R"({"version":1,"name":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac"})",
             "m.json")
          .name(),
      "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac");
}

TEST(ManifestTest, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(Parsed("\xef\xbb\xbfversion: 1\n").version(), 1);
  EXPECT_EQ(Parsed("\xef\xbb\xbf{\"version\": 1}", "-").version(), 1);
  EXPECT_THAT(Error("\xef\xbb\xbfversion: 2\n"), HasSubstr("m.yaml:1:10: "));
}

TEST(ManifestTest, AliasesOfYamlRepeatWhatTheyStandFor) {
  const v1::ModelSpec model = Parsed(
      "version: 1\n"
      "entries:\n"
      "  - {name: a, dense: &layer {in_features: 2, out_features: 3}}\n"
      "  - {name: b, dense: *layer}\n");
  EXPECT_TRUE(MessageDifferencer::Equals(model.entries(0).dense(),
                                         model.entries(1).dense()));
}

TEST(ManifestTest, AliasesThatWouldRepeatWithoutEndAreRefused) {
  // Ten lines that stand for 10^10 entries.
  std::string text = "version: 1\nentries:\n";
  std::string of = "{name: x, tensor: {}}";
  for (int level = 0; level < 10; ++level) {
    absl::StrAppend(&text, "  - &l", level, " {block: {entries: [", of);
    for (int i = 1; i < 10; ++i) absl::StrAppend(&text, ", ", of);
    absl::StrAppend(&text, "]}}\n");
    of = absl::StrCat("*l", level);
  }
  EXPECT_THAT(Error(text), HasSubstr("is beyond the first 1000000 values"));
}

TEST(ManifestTest, AliasesThatWouldNestWithoutEndAreRefused) {
  std::string text = "version: 1\nentries:\n  - &l0 {name: x, tensor: {}}\n";
  for (int level = 1; level < 1000; ++level) {
    absl::StrAppend(&text, "  - &l", level, " {block: {entries: [*l", level - 1,
                    "]}}\n");
  }
  EXPECT_THAT(Error(text), HasSubstr("is inside more than 100 lists and maps"));
}

TEST(ManifestTest, AnAliasInsideItsOwnAnchorIsRefused) {
  EXPECT_EQ(Error("version: 1\nentries: &a\n  - {block: {entries: *a}}\n"),
            "m.yaml:3:23: an alias is inside its anchor");
}

TEST(ManifestTest, DeepNestingIsRefused) {
  const std::string lists = std::string(1000, '[') + std::string(1000, ']');
  const std::string maps = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += R"({"a":)";
    return text;
  }();
  for (const char* file : {"m.yaml", "m.json"}) {
    EXPECT_THAT(Error(lists, file), HasSubstr(absl::StrCat(file, ":1:101: ")));
    EXPECT_EQ(ParseManifest(maps, file).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  const std::string full(kMaxManifestBytes, '[');
  EXPECT_THAT(Error(full, "m.json"), HasSubstr("m.json:1:101: "));
}

TEST(ManifestTest, TooManyValuesAreRefused) {
  std::string json = R"({"version": 1, "name": [)";
  while (json.size() < kMaxManifestBytes - 10) json += "1,";
  EXPECT_THAT(Error(json + "1]}", "m.json"),
              EndsWith("has more than 1000000 values"));
}

TEST(ManifestTest, ALargeManifestIsRead) {
  std::string text = "version: 1\nentries:\n";
  for (int i = 0; i < 10000; ++i) {
    absl::StrAppend(&text, "  - {name: layers.", i,
                    ".weight, tensor: {shape: [64, 32]}}\n");
  }
  EXPECT_EQ(Parsed(text).entries_size(), 10000);
}

TEST(ManifestTest, NoCutOfAManifestMakesTheReaderFail) {
  for (const auto& [text, file] :
       {std::pair<std::string, std::string>(kYaml, "m.yaml"),
        std::pair<std::string, std::string>(kJson, "m.json"),
        std::pair<std::string, std::string>(kJson, "m.yaml")}) {
    for (size_t size = 0; size < text.size(); ++size) {
      const auto cut = ParseManifest(text.substr(0, size), file);
      if (!cut.ok()) {
        EXPECT_TRUE(absl::StartsWith(cut.status().message(), file + ":"));
      }
      // One character replaced.
      for (const char c : {'{', '}', '"', '\'', '-', ':', '&', '*', '\t'}) {
        std::string changed = text;
        changed[size] = c;
        static_cast<void>(ParseManifest(changed, file));
      }
    }
  }
}

class ManifestFileTest : public ::testing::Test {
 protected:
  ManifestFileTest()
      : path_(absl::StrCat(::testing::TempDir(), "/manifest.", getpid())) {}
  ~ManifestFileTest() override {
    static_cast<void>(std::remove(path_.c_str()));
  }

  void Write(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
  }

  const std::string path_;
};

TEST_F(ManifestFileTest, IsRead) {
  Write(kYaml);
  const absl::StatusOr<v1::ModelSpec> model = ReadManifest(path_);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(MessageDifferencer::Equals(*model, Parsed(kYaml)));
}

TEST_F(ManifestFileTest, ThatIsWrongIsNamed) {
  Write("version: 1\nnames: x\n");
  EXPECT_THAT(std::string(ReadManifest(path_).status().message()),
              HasSubstr(path_ + ":2:1: names: is no field here"));
}

TEST_F(ManifestFileTest, OfFourMebibytesIsReadAndALargerOneRefused) {
  std::string text = "version: 1\n#";
  text.resize(kMaxManifestBytes, 'x');
  Write(text);
  EXPECT_TRUE(ReadManifest(path_).ok());
  Write(text + "x");
  const absl::Status status = ReadManifest(path_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            path_ +
                ": has more than 4194304 bytes, which is the most that a "
                "manifest may have");
}

TEST_F(ManifestFileTest, GivesItsText) {
  Write(kYaml);
  const absl::StatusOr<std::string> text = ReadManifestText(path_);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, kYaml);
}

TEST_F(ManifestFileTest, ThatIsNotThereIsNotFound) {
  const absl::Status status = ReadManifest(path_ + ".none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot read " + path_ + ".none"));
  EXPECT_FALSE(ReadManifest("/").ok());
}

TEST_F(ManifestFileTest, CalledDashIsStandardInput) {
  Write("version: 3");
  const int saved = dup(STDIN_FILENO);
  ASSERT_NE(std::freopen(path_.c_str(), "r", stdin), nullptr);
  const absl::Status status = ReadManifest("-").status();
  dup2(saved, STDIN_FILENO);
  close(saved);
  EXPECT_EQ(status.message(),
            "standard input:1:10: version: is \"3\"; must be 1");
}

}  // namespace
}  // namespace weightinit
