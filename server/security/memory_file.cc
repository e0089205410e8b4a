#include "server/security/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/listen/listening_socket.h"

namespace weightinit {
namespace {

// MFD_NOEXEC_SEAL, which some systems insist on and older ones do not know.
constexpr unsigned kNotExecutable = 8;

absl::Status Failed(absl::string_view what) {
  return absl::InternalError(absl::StrCat(
      "cannot ", what,
      " a file in memory: ", std::generic_category().message(errno)));
}

Descriptor Create() {
  int descriptor = memfd_create("weightinit", MFD_CLOEXEC | kNotExecutable);
  if (descriptor < 0 && errno == EINVAL) {
    descriptor = memfd_create("weightinit", MFD_CLOEXEC);
  }
  return Descriptor(descriptor);
}

}  // namespace

absl::Status MemoryFile::Write(absl::string_view text) {
  Descriptor next = Create();
  if (!next.is_open()) return Failed("make");
  while (!text.empty()) {
    const ssize_t count = write(next.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("write");
    text.remove_prefix(static_cast<size_t>(count));
  }
  // Readers who compare times do it in seconds.
  timespec changed{};
  changed.tv_sec = static_cast<time_t>(++writes_);
  const std::array<timespec, 2> times = {changed, changed};
  if (futimens(next.get(), times.data()) != 0) return Failed("date");
  if (descriptor_ < 0) {
    descriptor_ = next.Release();
  } else if (dup3(next.get(), descriptor_, O_CLOEXEC) < 0) {
    return Failed("replace");
  }
  return absl::OkStatus();
}

std::string MemoryFile::path() const {
  return absl::StrCat("/proc/self/fd/", descriptor_);
}

}  // namespace weightinit
