// A directory of a test's own.

#ifndef WEIGHTINIT_TESTS_CLIENT_CPP_CLI_TEST_DIRECTORY_H_
#define WEIGHTINIT_TESTS_CLIENT_CPP_CLI_TEST_DIRECTORY_H_

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weightinit::cli {

// Removed with all that is in it.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = ::testing::TempDir() + "/weightinit_test.XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  std::string PathOf(const std::string& name) const {
    return path_ + "/" + name;
  }

  // Names in a directory, sorted.
  static std::vector<std::string> NamesIn(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  std::string path_;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_TESTS_CLIENT_CPP_CLI_TEST_DIRECTORY_H_
