#include "server/metrics/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"
#include "server/metrics/figure.h"

namespace weightinit {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// Those of /proc/self/stat from the third on, which the name of the program
// cannot disturb.
std::vector<double> StatFields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::vector<double> fields;
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return fields;
  // The third is a letter.
  const char* at = line.c_str() + name_end + 3;
  fields.push_back(0);
  for (char* end = nullptr; *at != '\0'; at = end) {
    const double value = std::strtod(at, &end);
    if (end == at) break;
    fields.push_back(value);
  }
  return fields;
}

// Since 1970.
double StartSeconds(double ticks_since_boot) {
  timespec boot{};
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &boot) != 0 ||
      clock_gettime(CLOCK_REALTIME, &now) != 0) {
    return 0;
  }
  const auto seconds = [](const timespec& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_nsec) * 1e-9;
  };
  return seconds(now) - seconds(boot) +
         ticks_since_boot / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double OpenDescriptors() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  (void)closedir(directory);
  return entries - 3;  // Itself, "." and "..".
}

double MaxDescriptors() {
  rlimit limit{};
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

std::vector<MetricFamily> ProcessFigures() {
  // Numbers of proc(5), which count from 1.
  constexpr size_t kFirst = 3;
  constexpr size_t kUserTicks = 14 - kFirst;
  constexpr size_t kSystemTicks = 15 - kFirst;
  constexpr size_t kThreads = 20 - kFirst;
  constexpr size_t kStartTicks = 22 - kFirst;
  constexpr size_t kVirtualBytes = 23 - kFirst;
  constexpr size_t kResidentPages = 24 - kFirst;
  std::vector<double> stat = StatFields();
  stat.resize(kResidentPages + 1);
  return {
      Figure(MetricType::Counter, "process_cpu_seconds_total",
             "Seconds of all cores.",
             (stat[kUserTicks] + stat[kSystemTicks]) /
                 static_cast<double>(sysconf(_SC_CLK_TCK))),
      Figure(
          MetricType::Gauge, "process_resident_memory_bytes", "Memory in use.",
          stat[kResidentPages] * static_cast<double>(sysconf(_SC_PAGE_SIZE))),
      Figure(MetricType::Gauge, "process_virtual_memory_bytes",
             "Address space reserved.", stat[kVirtualBytes]),
      Figure(MetricType::Gauge, "process_open_fds", "Open file descriptors.",
             OpenDescriptors()),
      Figure(MetricType::Gauge, "process_max_fds",
             "How many file descriptors may be open.", MaxDescriptors()),
      Figure(MetricType::Gauge, "process_threads", "Threads.", stat[kThreads]),
      Figure(MetricType::Gauge, "process_start_time_seconds",
             "When the process began, in seconds since 1970.",
             StartSeconds(stat[kStartTicks])),
  };
}

}  // namespace weightinit
