#include "client/cpp/cli/output.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/cpp/cli/temporary.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/cli/test_directory.h"

namespace weightinit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// In a directory of its own; the parameter is OutputOptions::anonymous_file.
class OutputTest : public ::testing::TestWithParam<bool>,
                   protected TestDirectory {
 protected:
  static absl::StatusOr<std::unique_ptr<Output>> Open(const std::string& path) {
    OutputOptions options;
    options.anonymous_file = GetParam();
    return Output::Open(path, options);
  }

  std::vector<std::string> Names() const { return NamesIn(path()); }

  static void Put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
};

TEST_P(OutputTest, FileAppearsWhenItIsComplete) {
  auto output = Open(PathOf("w.bin"));
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE((*output)->Write(absl::string_view("head")).ok());
  const std::vector<uint8_t> data = {0, 1, 255};
  ASSERT_TRUE((*output)->Write(absl::MakeConstSpan(data)).ok());
  EXPECT_FALSE(std::filesystem::exists(PathOf("w.bin")));
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_EQ(Read(PathOf("w.bin")), std::string("head\0\1\xff", 7));
  EXPECT_THAT(Names(), ElementsAre("w.bin"));
}

TEST_P(OutputTest, PartsAreWrittenAtTheirOffsets) {
  auto output = Open(PathOf("w.bin"));
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE((*output)->has_offsets());
  ASSERT_TRUE((*output)->Write(absl::string_view("head")).ok());
  std::thread other([&output] {
    const std::vector<uint8_t> data = {4, 5};
    EXPECT_TRUE((*output)->WriteAt(7, data).ok());
  });
  const std::vector<uint8_t> data = {1, 2, 3};
  EXPECT_TRUE((*output)->WriteAt(4, data).ok());
  other.join();
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_EQ(Read(PathOf("w.bin")), "head\1\2\3\4\5");
}

TEST_P(OutputTest, FileThatIsThereIsReplacedAtOnce) {
  Put(PathOf("w.bin"), "old");
  auto output = Open(PathOf("w.bin"));
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE((*output)->Write(absl::string_view("new")).ok());
  EXPECT_EQ(Read(PathOf("w.bin")), "old");
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_EQ(Read(PathOf("w.bin")), "new");
  EXPECT_THAT(Names(), ElementsAre("w.bin"));
}

TEST_P(OutputTest, DroppedOutputLeavesNothing) {
  Put(PathOf("w.bin"), "old");
  {
    auto output = Open(PathOf("w.bin"));
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE((*output)->Write(absl::string_view("new")).ok());
  }
  EXPECT_EQ(Read(PathOf("w.bin")), "old");
  EXPECT_THAT(Names(), ElementsAre("w.bin"));
}

TEST_P(OutputTest, FileGetsTheModeThatTheUmaskLeaves) {
  const mode_t before = umask(027);
  auto output = Open(PathOf("w.bin"));
  umask(before);
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE((*output)->Commit().ok());
  struct stat info;
  ASSERT_EQ(stat(PathOf("w.bin").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_P(OutputTest, SymbolicLinkIsWrittenThrough) {
  std::filesystem::create_directory(PathOf("data"));
  Put(PathOf("data/w.bin"), "old");
  std::filesystem::create_symlink("data/w.bin", PathOf("link"));
  auto output = Open(PathOf("link"));
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE((*output)->Write(absl::string_view("new")).ok());
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(PathOf("link")));
  EXPECT_EQ(Read(PathOf("data/w.bin")), "new");
}

TEST_P(OutputTest, SymbolicLinkToNothingMakesItsTarget) {
  std::filesystem::create_symlink("w.bin", PathOf("link"));
  auto output = Open(PathOf("link"));
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(PathOf("link")));
  EXPECT_THAT(Names(), ElementsAre("link", "w.bin"));
}

TEST_P(OutputTest, SymbolicLinkToItselfIsAnError) {
  std::filesystem::create_symlink("link", PathOf("link"));
  const auto output = Open(PathOf("link"));
  EXPECT_EQ(output.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(output.status().message()),
              HasSubstr(PathOf("link")));
}

TEST_P(OutputTest, DeviceIsWrittenDirectly) {
  auto output = Open("/dev/null");
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE((*output)->Write(absl::string_view("gone")).ok());
  EXPECT_TRUE((*output)->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_P(OutputTest, PipeIsWrittenDirectly) {
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  std::string read;
  std::thread reader([this, &read] { read = Read(PathOf("pipe")); });
  auto output = Open(PathOf("pipe"));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE((*output)->Write(absl::string_view("through")).ok());
  EXPECT_TRUE((*output)->Commit().ok());
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(PathOf("pipe")));
}

TEST_P(OutputTest, FullDeviceIsAnErrorThatNamesIt) {
  auto output = Open("/dev/full");
  ASSERT_TRUE(output.ok()) << output.status();
  const absl::Status status = (*output)->Write(absl::string_view("x"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(),
            "cannot write /dev/full: No space left on device");
}

TEST_P(OutputTest, MissingDirectoryIsAnErrorAtOnce) {
  const auto output = Open(PathOf("missing/w.bin"));
  EXPECT_EQ(output.status(),
            absl::InternalError("cannot write " + PathOf("missing/w.bin") +
                                ": No such file or directory"));
}

TEST_P(OutputTest, DirectoryIsAnErrorAtOnce) {
  EXPECT_THAT(std::string(Open(path()).status().message()),
              HasSubstr("Is a directory"));
  EXPECT_THAT(std::string(Open(PathOf("new/")).status().message()),
              HasSubstr("Is a directory"));
}

TEST_P(OutputTest, DirectoryRemovedMeanwhileIsAnError) {
  std::filesystem::create_directory(PathOf("data"));
  auto output = Open(PathOf("data/w.bin"));
  ASSERT_TRUE(output.ok()) << output.status();
  std::filesystem::remove_all(PathOf("data"));
  EXPECT_EQ((*output)->Commit().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_P(OutputTest, RemoveTemporaryLeavesNothingBehind) {
  Put(PathOf("w.bin"), "old");
  // It is meant for a process that is about to end.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto output = Open(PathOf("w.bin"));
    const bool written =
        output.ok() && (*output)->Write(absl::string_view("new")).ok();
    RemoveTemporary();
    _exit(written ? 0 : 1);
  }
  int exit_status = -1;
  ASSERT_EQ(waitpid(child, &exit_status, 0), child);
  EXPECT_EQ(exit_status, 0);
  EXPECT_EQ(Read(PathOf("w.bin")), "old");
  EXPECT_THAT(Names(), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(All, OutputTest, ::testing::Bool(),
                         [](const auto& test) {
                           return test.param ? "Anonymous" : "Temporary";
                         });

}  // namespace
}  // namespace weightinit::cli
