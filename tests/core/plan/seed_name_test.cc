#include "weightinit/core/seed_name.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/violations.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

RootSeed Root(char byte = 'r') {
  return *RootSeed::FromBytes(std::string(32, byte));
}

TensorRequest Named(const std::string& seed_name) {
  TensorRequest request;
  request.tensor.name = "w";
  request.tensor.shape = {4, 4};
  request.seed_name = seed_name;
  return request;
}

// "field: description" of each violation.
std::string Violations(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::string text;
  for (const Violation& violation : GetViolations(status)) {
    text += violation.field + ": " + violation.description + "\n";
  }
  return text;
}

TEST(SeedNameTest, NamedSeedIsTheNumberThatTheRootSeedGivesTheName) {
  const RootSeed root_seed = Root();
  const auto named = Resolve(Named("team/a"), {}, &root_seed);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->seed, root_seed.SeedOf("team/a"));
  EXPECT_EQ(named->seed_name, "team/a");

  // Made again from the number alone.
  TensorRequest numbered = Named("");
  numbered.seed = named->seed;
  const auto again = Resolve(numbered);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->stream_key.key, named->stream_key.key);
  EXPECT_EQ(again->stream_key.stream, named->stream_key.stream);
  EXPECT_EQ(again->seed_name, "");
}

TEST(SeedNameTest, NumberIsTakenAsItIsWhateverTheRootSeed) {
  const RootSeed root_seed = Root();
  EXPECT_EQ(*SeedInForce(0, "", nullptr), 0U);
  EXPECT_EQ(*SeedInForce(7, "", nullptr), 7U);
  EXPECT_EQ(*SeedInForce(7, "", &root_seed), 7U);
}

TEST(SeedNameTest, NameBesideANumberIsRefused) {
  const RootSeed root_seed = Root();
  EXPECT_EQ(Violations(SeedInForce(7, "a", &root_seed).status()),
            "seed_name: is given beside seed, which is 7; with a name seed "
            "must be 0\n");
}

TEST(SeedNameTest, NameHasAtMost256BytesOfUtf8) {
  const RootSeed root_seed = Root();
  EXPECT_TRUE(SeedInForce(0, std::string(256, 'n'), &root_seed).ok());
  EXPECT_EQ(
      Violations(SeedInForce(0, std::string(257, 'n'), &root_seed).status()),
      "seed_name: has 257 bytes; must have at most 256\n");
  EXPECT_EQ(Violations(SeedInForce(0, "\xff", &root_seed).status()),
            "seed_name: is not valid UTF-8\n");
}

TEST(SeedNameTest, NameWithoutARootSeedSaysTheRemedy) {
  const auto plan = Resolve(Named("team/a"));
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(plan.status().message()),
              HasSubstr("start the server with --root-seed-file"));
}

TEST(SeedNameTest, BadRequestIsToldBeforeTheMissingRootSeed) {
  TensorRequest request = Named("team/a");
  request.tensor.shape = {-1};
  EXPECT_EQ(Resolve(request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SeedNameTest, ViolationOfTheNameIsOneOfAll) {
  TensorRequest request = Named("\xff");
  request.seed = 1;
  request.tensor.shape = {-1};
  const std::string violations = Violations(Resolve(request).status());
  EXPECT_THAT(violations, HasSubstr("seed_name: is not valid UTF-8\n"));
  EXPECT_THAT(violations, HasSubstr("seed_name: is given beside seed"));
  EXPECT_THAT(violations, HasSubstr("tensor.shape[0]: is -1"));
}

}  // namespace
}  // namespace weightinit
