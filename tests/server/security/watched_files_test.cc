#include "server/security/watched_files.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proto/cpp/test_certificates.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WatchedFilesTest : public testing::Test {
 protected:
  WatchedFilesTest() {
    files_.Write("one", "1");
    files_.Write("two", "2");
  }

  TestFiles files_;
  std::vector<std::string> used_;
  WatchedFiles watched_{
      {{"--one", files_.Path("one")}, {"--two", files_.Path("two")}},
      [this](const std::vector<std::string>& texts) {
        if (absl::StartsWith(texts[0], "bad")) {
          return absl::InvalidArgumentError("bad text");
        }
        used_ = texts;
        return absl::OkStatus();
      }};
};

TEST_F(WatchedFilesTest, ChangedFilesAreUsedOnce) {
  ASSERT_TRUE(watched_.Load().ok());
  EXPECT_THAT(used_, ElementsAre("1", "2"));
  EXPECT_EQ(watched_.Look(), std::nullopt);
  files_.Write("two", "3");
  EXPECT_EQ(watched_.Look(), absl::OkStatus());
  EXPECT_THAT(used_, ElementsAre("1", "3"));
  EXPECT_EQ(watched_.Look(), std::nullopt);
  EXPECT_EQ(watched_.counts().succeeded, 1);
  EXPECT_EQ(watched_.counts().failed, 0);
}

TEST_F(WatchedFilesTest, BadTextIsReportedOnceAndTheOneOfBeforeStays) {
  ASSERT_TRUE(watched_.Load().ok());
  files_.Write("one", "bad");
  // It may be half of a change.
  EXPECT_EQ(watched_.Look(), std::nullopt);
  EXPECT_EQ(watched_.Look(), absl::InvalidArgumentError("bad text"));
  EXPECT_EQ(watched_.Look(), std::nullopt);
  EXPECT_THAT(used_, ElementsAre("1", "2"));
  EXPECT_EQ(watched_.counts().failed, 1);
  files_.Write("one", "1");
  EXPECT_EQ(watched_.Look(), std::nullopt);
  files_.Write("one", "bad");
  EXPECT_EQ(watched_.Look(), std::nullopt);
  EXPECT_EQ(watched_.Look(), absl::InvalidArgumentError("bad text"));
  EXPECT_EQ(watched_.counts().failed, 2);
}

TEST_F(WatchedFilesTest, FileThatIsGoneIsReportedAndFoundAgain) {
  ASSERT_TRUE(watched_.Load().ok());
  std::filesystem::remove(files_.Path("two"));
  EXPECT_EQ(watched_.Look(), std::nullopt);
  const std::optional<absl::Status> news = watched_.Look();
  ASSERT_TRUE(news.has_value());
  EXPECT_THAT(std::string(news->message()), HasSubstr("--two: cannot read"));
  EXPECT_EQ(watched_.Look(), std::nullopt);
  files_.Write("two", "4");
  EXPECT_EQ(watched_.Look(), absl::OkStatus());
  EXPECT_THAT(used_, ElementsAre("1", "4"));
}

TEST_F(WatchedFilesTest, FileThatIsMissingAtFirstIsAnError) {
  std::filesystem::remove(files_.Path("one"));
  EXPECT_THAT(std::string(watched_.Load().message()),
              HasSubstr("--one: cannot read"));
  EXPECT_EQ(watched_.counts().failed, 0);
}

}  // namespace
}  // namespace weightinit
