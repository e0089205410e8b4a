#include "weightinit/core/root_seed.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// That of the worked example in core/DETERMINISM.md.
constexpr char kExample[] =
    "weightinit published example root seed, not a secret";

RootSeed Example() { return *RootSeed::FromBytes(kExample); }

TEST(RootSeedTest, SeedsAreThoseOfTheWorkedExample) {
  const RootSeed root_seed = Example();
  EXPECT_EQ(root_seed.SeedOf("team/experiment-42"), 0xc933bbdf63459e3eU);
  EXPECT_EQ(root_seed.SeedOf("a"), 0xf6e3ddfa218bdd31U);
  EXPECT_EQ(root_seed.SeedOf("\xc3\xa4"), 0xe479e22ef29769e1U);
  EXPECT_EQ(root_seed.id(), "020964fae9722559");
}

TEST(RootSeedTest, EveryByteOfNameAndRootSeedCounts) {
  const std::string nul_in_name("a\0", 2);
  std::set<uint64_t> seeds;
  for (const char last : {'!', '\n', '\0'}) {
    const RootSeed root_seed =
        *RootSeed::FromBytes(std::string(31, 'r') + last);
    for (const std::string& name :
         {std::string("a"), nul_in_name, std::string("a "), std::string("A")}) {
      seeds.insert(root_seed.SeedOf(name));
    }
  }
  EXPECT_EQ(seeds.size(), 12U);
}

TEST(RootSeedTest, MovedRootSeedGivesTheSameSeeds) {
  RootSeed root_seed = Example();
  const RootSeed moved = std::move(root_seed);
  EXPECT_EQ(moved.SeedOf("a"), Example().SeedOf("a"));
  EXPECT_EQ(moved.id(), Example().id());
}

TEST(RootSeedTest, NumberOfBytesIsFrom32To4096) {
  for (const size_t bytes : {0U, 31U, 4097U}) {
    const auto root_seed = RootSeed::FromBytes(std::string(bytes, 'r'));
    EXPECT_EQ(root_seed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(root_seed.status().message(),
              absl::StrCat("the root seed has ", bytes,
                           " bytes; must have from 32 to 4096"));
  }
  EXPECT_TRUE(RootSeed::FromBytes(std::string(32, 'r')).ok());
  EXPECT_TRUE(RootSeed::FromBytes(std::string(4096, 'r')).ok());
}

class RootSeedFileTest : public ::testing::Test {
 protected:
  ~RootSeedFileTest() override { unlink(path_.c_str()); }

  // A file of this test alone, which holds `content`.
  const std::string& FileOf(const std::string& content, mode_t mode = 0400) {
    unlink(path_.c_str());
    std::ofstream(path_, std::ios::binary) << content;
    EXPECT_EQ(chmod(path_.c_str(), mode), 0);
    return path_;
  }

  // Why a file that holds `content` is not a root seed.
  std::string Refusal(const std::string& content) {
    const auto file = ReadRootSeedFile(FileOf(content));
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(file.status().message());
  }

 private:
  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "root_seed_test.", getpid());
};

TEST_F(RootSeedFileTest, OneLineFeedAtTheEndDoesNotCount) {
  for (const char* const end : {"", "\n"}) {
    const auto file = ReadRootSeedFile(FileOf(absl::StrCat(kExample, end)));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->root_seed.id(), Example().id());
  }
  for (const char* const other : {"\n\n", "\r\n", " "}) {
    const auto file = ReadRootSeedFile(FileOf(absl::StrCat(kExample, other)));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_NE(file->root_seed.id(), Example().id());
  }
}

TEST_F(RootSeedFileTest, BytesNeedNotBeText) {
  const std::string bytes = std::string(16, '\0') + std::string(16, '\xff');
  const auto file = ReadRootSeedFile(FileOf(bytes));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->root_seed.id(), RootSeed::FromBytes(bytes)->id());
}

TEST_F(RootSeedFileTest, FileOfTheWrongSizeIsRefusedWithoutItsContent) {
  EXPECT_THAT(Refusal(""), HasSubstr("has 0 bytes"));
  EXPECT_THAT(Refusal(std::string(31, 'r') + "\n"),
              AllOf(HasSubstr("root_seed_test."), HasSubstr("has 31 bytes"),
                    HasSubstr("must have from 32 to 4096"),
                    HasSubstr("openssl rand -hex 32"), Not(HasSubstr("rrr"))));
  EXPECT_THAT(Refusal(std::string(4097, 'r')), HasSubstr("has 4097 bytes"));
  EXPECT_THAT(Refusal(std::string(9999, 'r')),
              HasSubstr("has more than 4096 bytes"));
  EXPECT_TRUE(ReadRootSeedFile(FileOf(std::string(4096, 'r') + "\n")).ok());
}

TEST_F(RootSeedFileTest, FileThatCannotBeReadIsNamed) {
  for (const char* const path : {"/nonexistent/root", "", "/"}) {
    const auto file = ReadRootSeedFile(path);
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(file.status().message()),
                HasSubstr(absl::StrCat("cannot read \"", path, "\": ")));
  }
  EXPECT_THAT(std::string(ReadRootSeedFile("/").status().message()),
              HasSubstr("directory"));
}

TEST_F(RootSeedFileTest, ExposedIsAFileThatAnybodyMayReadOrOthersChange) {
  for (const mode_t mode : {0400U, 0600U, 0440U, 0640U}) {
    EXPECT_FALSE(ReadRootSeedFile(FileOf(kExample, mode))->exposed) << mode;
  }
  for (const mode_t mode : {0444U, 0644U, 0660U, 0602U}) {
    EXPECT_TRUE(ReadRootSeedFile(FileOf(kExample, mode))->exposed) << mode;
  }
}

}  // namespace
}  // namespace weightinit
