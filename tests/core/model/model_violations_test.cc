// Requests for models that are refused, and with which words.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/model/model_builder.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

void ExpectViolation(const ModelRequest& request, const std::string& field,
                     const std::string& description,
                     absl::StatusCode code = absl::StatusCode::kInvalidArgument,
                     const Limits& limits = {}) {
  const auto plan = ModelPlan::Make(request, limits);
  ASSERT_EQ(plan.status().code(), code) << plan.status();
  EXPECT_THAT(
      GetViolations(plan.status()),
      Contains(AllOf(Field(&Violation::field, field),
                     Field(&Violation::description, HasSubstr(description)))))
      << plan.status();
}

ModelRequest Good() {
  return Model({Repeated(Tensor("w.{i}", {4, 4}), "i", 3), Tensor("b", {4})});
}

TEST(ModelViolationsTest, TheVersionIsOne) {
  ModelRequest request = Good();
  request.model.version = 2;
  ExpectViolation(request, "model.version", "is 2; must be 1");
}

TEST(ModelViolationsTest, AModelHasEntriesAndEveryEntryAKind) {
  ExpectViolation(Model({}), "model.entries", "is required");
  ExpectViolation(Model({Entry("a", std::monostate())}), "model.entries[0]",
                  "has no kind");
  ExpectViolation(Model({Entry("a", BlockEntry())}),
                  "model.entries[0].block.entries", "is required");
}

TEST(ModelViolationsTest, EveryTensorHasANameOfItsOwn) {
  ExpectViolation(Model({Tensor("", {2})}), "model.entries[0].name",
                  "is required");
  ExpectViolation(Model({Tensor("a", {2}), Tensor("a", {3})}),
                  "model.entries[1]", "makes a second tensor \"a\"");
  ExpectViolation(Model({Repeated(Tensor("a", {2}), "i", 2)}),
                  "model.entries[0]", "makes a second tensor \"a\"");
  ExpectViolation(Model({Tensor("a\xff", {2})}), "model.entries[0].tensor.name",
                  "is not valid UTF-8");
  ExpectViolation(
      Model({Tensor("a", {2}), Entry(std::string(1025, 'x'), AliasEntry{"a"})}),
      "model.entries[1].name", "at most 1024 bytes");
}

TEST(ModelViolationsTest, BracesNameAnIndex) {
  ExpectViolation(Model({Tensor("a.{k}", {2})}), "model.entries[0].name",
                  "{k}");
  BlockEntry block;
  block.entries = {Tensor("w.{j}", {2})};
  ExpectViolation(Model({Repeated(Entry("h.{i}", block), "i", 2)}),
                  "model.entries[0].block.entries[0].name", "{j}");
}

TEST(ModelViolationsTest, ARepetitionHasAnIndexAndACount) {
  ExpectViolation(Model({Repeated(Tensor("a", {2}), "2x", 1)}),
                  "model.entries[0].repeat[0].index", "is \"2x\"");
  ExpectViolation(Model({Repeated(Tensor("a", {2}), "i", 0)}),
                  "model.entries[0].repeat[0].count", "must be at least 1");
  ExpectViolation(Model({Repeated(Tensor("a", {2}), "i", 1, -1)}),
                  "model.entries[0].repeat[0].first", "is -1");
  ExpectViolation(Model({Repeated(Repeated(Tensor("a", {2}), "i", 1), "i", 1)}),
                  "model.entries[0].repeat[1].index", "is an index already");
  ModelRequest request = Good();
  request.model.constants = {{"i", 3}};
  ExpectViolation(request, "model.entries[0].repeat[0].index",
                  "is a constant already");
}

TEST(ModelViolationsTest, AnEndlessRepetitionEndsAtTheLimit) {
  const int64_t endless = std::numeric_limits<int64_t>::max();
  ExpectViolation(Model({Repeated(Tensor("w.{i}", {1}), "i", endless)}),
                  "model.entries", "more than 50 tensors, the limit in force",
                  absl::StatusCode::kInvalidArgument, Limits{1 << 20, 50});
  // Also where every repetition is bad.
  BlockEntry block;
  block.entries = {Tensor("w.{k}", {1})};
  ExpectViolation(Model({Repeated(Entry("h.{i}", block), "i", endless)}),
                  "model.entries[0].block.entries[0].name", "{k}");
}

TEST(ModelViolationsTest, RepetitionsInRepetitionsCountTogether) {
  const auto model = [](int64_t outer, int64_t inner) {
    BlockEntry block;
    block.entries = {Repeated(Tensor("w.{j}", {1}), "j", inner)};
    return Model({Repeated(Entry("h.{i}", block), "i", outer)});
  };
  const int64_t many = int64_t{1} << 40;
  for (const auto& request : {model(many, many), model(3, 17)}) {
    ExpectViolation(request, "model.entries",
                    "more than 50 tensors, the limit in force",
                    absl::StatusCode::kInvalidArgument, Limits{1 << 20, 50});
  }
  EXPECT_TRUE(ModelPlan::Make(model(5, 10), Limits{1 << 20, 50}).ok());
}

TEST(ModelViolationsTest, AtMostSixteenViolationsAreTold) {
  const auto plan = ModelPlan::Make(
      Model({Repeated(Tensor("w.{i}", {-1}), "i", int64_t{1} << 40)}));
  EXPECT_EQ(GetViolations(plan.status()).size(), 16U);
}

TEST(ModelViolationsTest, BlocksInBlocksAreBounded) {
  ModelEntry entry = Tensor("w", {2});
  for (int i = 0; i < 17; ++i) {
    BlockEntry block;
    block.entries = {std::move(entry)};
    entry = Entry("b", std::move(block));
  }
  ExpectViolation(Model({entry}),
                  absl::StrCat(
                      "model.entries[0]",
                      [] {
                        std::string path;
                        for (int i = 0; i < 16; ++i) {
                          path += ".block.entries[0]";
                        }
                        return path;
                      }(),
                      ".block"),
                  "is in more than 16 blocks");
}

TEST(ModelViolationsTest, ATensorsViolationNamesTheTensorAndItsRules) {
  ExpectViolation(Model({Repeated(Tensor("w.{i}", {2, -3}), "i", 2)}),
                  "model.entries[0].tensor.shape[1]",
                  "is -3; must be at least 0 (\"w.1\")");
  DenseLayer dense;
  dense.in_features = dense.out_features = 4;
  ModelRequest request = Model({Entry("fc", dense)});
  ModelRule rule;
  rule.match = "*.weight";
  rule.scheme = Scheme::kNormal;
  rule.parameters.stddev = -1;
  request.model.rules = {rule};
  ExpectViolation(request, "model.entries[0]",
                  "makes \"fc.weight\", changed by rule 0, whose "
                  "parameters.stddev is -1");
}

TEST(ModelViolationsTest, AnExpressionIsForANumberThatHasNone) {
  ModelRequest request = Good();
  request.model.defaults.expressions = {{"sigma", "1"}};
  ExpectViolation(request, "model.defaults.expressions", "has \"sigma\"");
  request.model.defaults.expressions = {{"stddev", "1"}};
  request.model.defaults.parameters.stddev = 2;
  ExpectViolation(request, "model.defaults.expressions[stddev]",
                  "and the number too");
  request = Good();
  request.model.entries[1].defaults.expressions = {{"fan_mode", "1"}};
  ExpectViolation(request, "model.entries[1].defaults.expressions",
                  "has \"fan_mode\"");
  request = Good();
  request.model.rules.resize(1);
  request.model.rules[0].match = "*";
  request.model.rules[0].expressions = {{"x", "1"}};
  ExpectViolation(request, "model.rules[0].expressions", "has \"x\"");
}

TEST(ModelViolationsTest, AnExpressionWithoutValueNamesTensorAndPlace) {
  ModelRequest request = Good();
  auto& tensor = std::get<TensorEntry>(request.model.entries[0].kind);
  tensor.spec.scheme = Scheme::kNormal;
  tensor.expressions = {{"stddev", "1/(i-1)"}};
  ExpectViolation(request, "model.entries[0].tensor.expressions[stddev]",
                  "is \"1/(i-1)\": the value is not finite (\"w.1\")");
  tensor.expressions = {{"stddev", "1/(k-1)"}};
  ExpectViolation(request, "model.entries[0].tensor.expressions[stddev]",
                  "\"k\" is no constant and no index here, at character 4");
}

TEST(ModelViolationsTest, ConstantsHaveNamesAndFiniteValues) {
  ModelRequest request = Good();
  request.model.constants = {{"sqrt", 1}};
  ExpectViolation(request, "model.constants", "has \"sqrt\"");
  request.model.constants = {{"x", std::nan("")}};
  ExpectViolation(request, "model.constants[x]", "must be finite");
}

TEST(ModelViolationsTest, AnAliasStandsForATensor) {
  ExpectViolation(Model({Entry("a", AliasEntry{"b"})}),
                  "model.entries[0].alias", "is \"b\"; must be a tensor");
  ExpectViolation(Model({Tensor("x", {2}), Entry("a", AliasEntry{"x"}),
                         Entry("b", AliasEntry{"a"})}),
                  "model.entries[2].alias", "that is no alias");
  ExpectViolation(Model({Entry("a", AliasEntry{""})}), "model.entries[0].alias",
                  "is required");
  ExpectViolation(Model({Entry("a", AliasEntry{"{i}"})}),
                  "model.entries[0].alias", "{i}");
}

TEST(ModelViolationsTest, APatternOfTheRequestMatchesSomething) {
  ModelRequest request = Good();
  request.only = {"w.*", "zz*"};
  ExpectViolation(request, "only[1]", "matches no tensor of the model");
  request = Good();
  request.selections.resize(1);
  request.selections[0].match = "c";
  ExpectViolation(request, "selections[0]", "matches no tensor of the model");
}

TEST(ModelViolationsTest, PatternsAreRequired) {
  ModelRequest request = Good();
  request.model.rules.resize(1);
  ExpectViolation(request, "model.rules[0].match", "is required");
  request = Good();
  request.selections.resize(1);
  ExpectViolation(request, "selections[0].match", "is required");
}

TEST(ModelViolationsTest, AShardIsOneOfItsCountAlongADimensionOfTheTensor) {
  ModelRequest request = Good();
  request.selections.resize(1);
  request.selections[0].match = "*";
  request.selections[0].shard = Shard{3, 3, 0};
  ExpectViolation(request, "selections[0].shard.index", "from 0 to 2");
  request.selections[0].shard = Shard{0, 0, 0};
  ExpectViolation(request, "selections[0].shard.count", "at least 1");
  request.selections[0].shard = Shard{0, 2, -1};
  ExpectViolation(request, "selections[0].shard.axis", "at least 0");
  request.selections[0].shard = Shard{0, 2, 1};
  ExpectViolation(request, "selections[0].shard.axis",
                  "is 1; \"b\" has rank 1");
  request.selections[0].slice = {{0, 1}};
  ExpectViolation(request, "selections[0]", "a slice and a shard");
}

TEST(ModelViolationsTest, ASliceHasNoMoreRangesThanTheTensorDimensions) {
  ModelRequest request = Good();
  request.selections.resize(1);
  request.selections[0].match = "b";
  request.selections[0].slice = {{}, {}};
  ExpectViolation(request, "selections[0].slice", "has 2 ranges");
}

TEST(ModelViolationsTest, ASliceOutsideTheTensorNamesIt) {
  ModelRequest request = Good();
  request.selections.resize(1);
  request.selections[0].match = "b";
  request.selections[0].slice = {{0, 5}};
  ExpectViolation(request, "selections[0].slice[0].stop", "(\"b\")");
}

TEST(ModelViolationsTest, ARangeLiesInTheModel) {
  const auto out_of_range = absl::StatusCode::kOutOfRange;
  ModelRequest request = Good();
  request.first_tensor = -1;
  ExpectViolation(request, "first_tensor", "must be at least 0");
  request.first_tensor = 5;
  ExpectViolation(request, "first_tensor", "from 0 to 4", out_of_range);
  request.first_tensor = 1;
  request.first_element = 17;
  ExpectViolation(request, "first_element", "from 0 to 16", out_of_range);
  request.first_element = 10;
  request.element_count = 3;
  ExpectViolation(request, "element_count", "goes with a tensor_count of 1");
  request.tensor_count = 1;
  request.element_count = 7;
  ExpectViolation(request, "element_count", "from 0 to 6", out_of_range);
  request.only = {"b"};
  ExpectViolation(request, "first_element", "from 0 to 0", out_of_range);
}

TEST(ModelViolationsTest, GeneratorAndChunkSizeAreCheckedOnce) {
  ModelRequest request = Good();
  request.chunk_bytes = 3;
  request.generator = static_cast<Generator>(99);
  ExpectViolation(request, "chunk_bytes", "is 3");
  ExpectViolation(request, "generator", "is 99");
  EXPECT_EQ(GetViolations(ModelPlan::Make(request).status()).size(), 2U);
}

TEST(ModelViolationsTest, AModelOfTooManyElementsIsRefused) {
  Limits limits;
  limits.max_elements = int64_t{1} << 59;
  const int64_t side = int64_t{1} << 29;
  ExpectViolation(Model({Repeated(Tensor("w.{i}", {side, side}), "i", 3)}),
                  "model.entries", "more than 576460752303423488 elements",
                  absl::StatusCode::kInvalidArgument, limits);
}

}  // namespace
}  // namespace weightinit
