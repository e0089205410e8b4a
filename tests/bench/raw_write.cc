// What writing a file costs when nothing is computed: one ready block, written
// again and again to a new file with pwrite.
//
// usage: weightinit-bench-raw-write FILE BYTES THREADS
// FILE must not exist. Prints nothing; its process is what is timed.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"

namespace {

constexpr int64_t kBlockBytes = 1 << 20;

// Writes blocks, each taken from `next`, up to `bytes`. False: it failed.
bool WriteBlocks(int fd, const std::vector<char>& block, int64_t bytes,
                 std::atomic<int64_t>& next) {
  for (;;) {
    int64_t offset = next.fetch_add(kBlockBytes);
    const int64_t end = std::min(bytes, offset + kBlockBytes);
    if (offset >= bytes) return true;
    while (offset < end) {
      const ssize_t written =
          pwrite(fd, block.data(), static_cast<size_t>(end - offset), offset);
      if (written >= 0) {
        offset += written;
      } else if (errno != EINTR) {
        return false;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  int64_t bytes = 0;
  int threads = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[2], &bytes) ||
      !absl::SimpleAtoi(argv[3], &threads)) {
    std::cerr << "usage: weightinit-bench-raw-write FILE BYTES THREADS\n";
    return 2;
  }
  const int fd = open(argv[1], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) {
    std::perror(argv[1]);
    return 1;
  }
  const std::vector<char> block(kBlockBytes, 1);
  std::atomic<int64_t> next{0};
  std::atomic<bool> ok{true};
  const auto work = [&] {
    if (!WriteBlocks(fd, block, bytes, next)) ok = false;
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (!ok || close(fd) != 0) {
    std::perror(argv[1]);
    return 1;
  }
  return 0;
}
