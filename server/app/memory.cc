#include "server/app/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {
namespace {

// Each arena of malloc reserves 64 MiB of address space, and by default there
// are eight for each core; each thread 8 MiB for its stack. A stack of 2 MiB or
// more may become a huge page, all of it in memory once a byte of it is used.
constexpr int kArenas = 4;
constexpr size_t kStackBytes = size_t{1} << 20;

constexpr absl::Duration kTrimInterval = absl::Seconds(2);
// Growth that is not worth a trim.
constexpr int64_t kSlackBytes = int64_t{8} << 20;

constexpr char kControlGroups[] = "/sys/fs/cgroup";

// Of the control group (version 2) of the process and those around it.
int64_t ControlGroupLimit(int64_t limit) {
  std::ifstream own("/proc/self/cgroup");
  std::string line;
  std::string group;
  while (std::getline(own, line)) {
    if (absl::StartsWith(line, "0::")) group = line.substr(3);
  }
  // In a container the group is the root of what is seen.
  for (;;) {
    std::ifstream file(absl::StrCat(kControlGroups, group, "/memory.max"));
    std::string text;
    int64_t bytes = 0;
    if (file >> text && absl::SimpleAtoi(text, &bytes)) {
      limit = std::min(limit, bytes);
    }
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return limit;
    group.resize(slash);
  }
}

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  file >> size >> resident;
  return resident * sysconf(_SC_PAGE_SIZE);
}

}  // namespace

void ConfigureMemory() {
  // Debian's Abseil looks for deadlocks, unlike a release build of it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  mallopt(M_ARENA_MAX, kArenas);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

MemoryTrimmer::MemoryTrimmer(std::function<bool()> is_idle,
                             std::function<void()> release)
    : is_idle_(std::move(is_idle)),
      release_(std::move(release)),
      smallest_(ResidentBytes()),
      ticker_(kTrimInterval, [this] { Trim(); }) {}

void MemoryTrimmer::Trim() {
  if (ResidentBytes() < smallest_ + kSlackBytes || !is_idle_()) return;
  release_();
  malloc_trim(0);
  smallest_ = std::min(smallest_, ResidentBytes());
}

int64_t MemoryLimit() {
  int64_t limit = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  rlimit address_space{};
  if (getrlimit(RLIMIT_AS, &address_space) == 0 &&
      address_space.rlim_cur != RLIM_INFINITY) {
    limit = std::min(limit, static_cast<int64_t>(address_space.rlim_cur));
  }
  return ControlGroupLimit(limit);
}

}  // namespace weightinit
