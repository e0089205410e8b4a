#include "client/cpp/cli/state_file.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weightinit::cli {
namespace {

constexpr int64_t kSaveEvery = int64_t{16} << 20;
constexpr absl::Duration kSaveInterval = absl::Seconds(1);

bool Write(const std::string& path, std::ios::openmode mode,
           absl::string_view text) {
  std::ofstream file(path, std::ios::binary | mode);
  file << text;
  file.close();
  return static_cast<bool>(file);
}

}  // namespace

StateFile::StateFile(absl::string_view partial_path)
    : path_(absl::StrCat(partial_path, ".state")) {}

std::string StateFile::Read() const {
  std::ifstream file(path_, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool StateFile::IsDue(int64_t unsaved_bytes) const {
  return unsaved_bytes >= kSaveEvery || absl::Now() >= next_save_;
}

bool StateFile::Replace(absl::string_view text) {
  next_save_ = absl::Now() + kSaveInterval;
  const std::string fresh = absl::StrCat(path_, ".new");
  if (Write(fresh, std::ios::trunc, text) &&
      std::rename(fresh.c_str(), path_.c_str()) == 0) {
    return true;
  }
  unlink(fresh.c_str());
  Remove();
  return false;
}

bool StateFile::Append(absl::string_view text) {
  next_save_ = absl::Now() + kSaveInterval;
  if (Write(path_, std::ios::app, text)) return true;
  Remove();
  return false;
}

void StateFile::Remove() { unlink(path_.c_str()); }

}  // namespace weightinit::cli
