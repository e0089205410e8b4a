#include "client/cpp/cli/output_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
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

absl::Span<const uint8_t> BytesOf(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

// In a directory of its own.
class OutputDirectoryTest : public ::testing::Test, protected TestDirectory {};

TEST_F(OutputDirectoryTest, FilesAppearTogetherWhenTheyAreComplete) {
  auto output = OutputDirectory::Open(PathOf("d"), {"a", "b"});
  ASSERT_TRUE(output.ok()) << output.status();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&output, i] {
      EXPECT_TRUE(
          (*output)
              ->WriteAt(i % 2, static_cast<int64_t>(i / 2),
                        BytesOf(absl::string_view("abcdefgh").substr(i, 1)))
              .ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(std::filesystem::exists(PathOf("d")));
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_THAT(NamesIn(path()), ElementsAre("d"));
  EXPECT_THAT(NamesIn(PathOf("d")), ElementsAre("a", "b"));
  EXPECT_EQ(Read(PathOf("d/a")), "aceg");
  EXPECT_EQ(Read(PathOf("d/b")), "bdfh");
}

TEST_F(OutputDirectoryTest, NothingStaysWithoutCommit) {
  {
    auto output = OutputDirectory::Open(PathOf("d"), {"a"});
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE((*output)->WriteAt(0, 5, BytesOf("text")).ok());
    EXPECT_THAT(NamesIn(path()), SizeIs(1));
  }
  EXPECT_THAT(NamesIn(path()), IsEmpty());
}

TEST_F(OutputDirectoryTest, FileThatAppearsMeanwhileStays) {
  std::filesystem::create_directory(PathOf("d"));
  {
    auto output = OutputDirectory::Open(PathOf("d/"), {"a"});
    ASSERT_TRUE(output.ok()) << output.status();
    std::ofstream(PathOf("d/other")) << "other";
    const absl::Status status = (*output)->Commit();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()), HasSubstr("/d: "));
  }
  EXPECT_THAT(NamesIn(path()), ElementsAre("d"));
  EXPECT_THAT(NamesIn(PathOf("d")), ElementsAre("other"));
}

TEST_F(OutputDirectoryTest, PartialDirectoryStaysAndIsGoneOnWith) {
  const auto open = [this] {
    return OutputDirectory::Open(PathOf("d"), {"a", "b"}, true);
  };
  {
    auto output = open();
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_EQ((*output)->partial_path(), PathOf("d.partial"));
    ASSERT_TRUE((*output)->WriteAt(1, 2, BytesOf("cd")).ok());
    // Two may not write there at once.
    const absl::Status status = open().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()), HasSubstr("d.partial: "));
  }
  EXPECT_THAT(NamesIn(path()), ElementsAre("d.partial"));
  auto output = open();
  ASSERT_TRUE(output.ok()) << output.status();
  std::vector<uint8_t> data(2);
  ASSERT_TRUE((*output)->ReadAt(1, 2, absl::MakeSpan(data)).ok());
  EXPECT_THAT(data, ElementsAre('c', 'd'));
  EXPECT_EQ((*output)->ReadAt(1, 3, absl::MakeSpan(data)).code(),
            absl::StatusCode::kInternal);
  ASSERT_TRUE((*output)->WriteAt(1, 0, BytesOf("ab")).ok());
  ASSERT_TRUE((*output)->Commit().ok());
  EXPECT_THAT(NamesIn(path()), ElementsAre("d"));
  EXPECT_EQ(Read(PathOf("d/a")), "");
  EXPECT_EQ(Read(PathOf("d/b")), "abcd");
}

TEST_F(OutputDirectoryTest, PartialDirectoryWithoutBytesDoesNotStay) {
  {
    auto output = OutputDirectory::Open(PathOf("d"), {"a"}, true);
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE((*output)->WriteAt(0, 0, BytesOf("text")).ok());
    ASSERT_TRUE((*output)->Clear().ok());
  }
  EXPECT_THAT(NamesIn(path()), IsEmpty());
}

TEST_F(OutputDirectoryTest, RemoveTemporaryLeavesNothingBehind) {
  // It ends what the process may do, so another one does it.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto output = OutputDirectory::Open(PathOf("d"), {"a", "b"});
    if (!output.ok() || !(*output)->WriteAt(1, 0, BytesOf("text")).ok()) {
      _exit(1);
    }
    RemoveTemporary();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(NamesIn(path()), IsEmpty());
}

}  // namespace
}  // namespace weightinit::cli
