#include "client/cpp/cli/temporary.h"

#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weightinit::cli {

Temporary& CurrentTemporary() {
  // Never destroyed: the thread that waits for signals outlives main.
  static auto& current = *new Temporary;
  return current;
}

// It never unlocks, which the analysis would not allow.
void RemoveTemporary() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Temporary& temporary = CurrentTemporary();
  temporary.mutex.Lock();
  if (temporary.path.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(temporary.path, ignored);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string NewTemporaryName(const std::string& target) {
  std::random_device random;
  return absl::StrFormat("%s/.weightinit-%08x.tmp", DirectoryOf(target),
                         random());
}

absl::Status WriteError(const std::string& path, int error) {
  return absl::InternalError(absl::StrCat(
      "cannot write ", path, ": ", std::generic_category().message(error)));
}

}  // namespace weightinit::cli
