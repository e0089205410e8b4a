#include "client/cpp/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cpp/cli/output.h"

namespace weightinit::cli {
namespace {

constexpr int64_t kBigBytes = int64_t{32} << 20;
constexpr absl::Duration kInterval = absl::Milliseconds(100);
constexpr int kBarWidth = 30;

}  // namespace

ProgressBar::~ProgressBar() {
  // Carriage return, erase to the end of the line.
  if (shown_) WriteText(STDERR_FILENO, "\r\x1b[K").IgnoreError();
}

void ProgressBar::Start(int64_t total_bytes) {
  if (total_bytes < kBigBytes || isatty(STDERR_FILENO) == 0) return;
  total_bytes_ = total_bytes;
  started_ = absl::Now();
  const absl::MutexLock lock(&mutex_);
  next_redraw_ = started_ + kInterval;
}

void ProgressBar::Add(int64_t bytes) {
  if (total_bytes_ == 0) return;
  const absl::Time now = absl::Now();
  const absl::MutexLock lock(&mutex_);
  bytes_ += bytes;
  if (now < next_redraw_) return;
  next_redraw_ = now + kInterval;
  const double fraction =
      static_cast<double>(bytes_) / static_cast<double>(total_bytes_);
  const double megabytes = static_cast<double>(bytes_) / 1e6;
  const double elapsed = absl::ToDoubleSeconds(now - started_);
  // At the rate so far.
  const auto left = static_cast<int64_t>(
      std::ceil(elapsed * (1 - fraction) / std::max(fraction, 1e-9)));
  const auto filled = static_cast<size_t>(fraction * kBarWidth);
  const std::string line = absl::StrFormat(
      "\r[%-*s] %3.0f%%  %.0f MB  %.0f MB/s  %d:%02d left\x1b[K", kBarWidth,
      std::string(filled, '#'), 100 * fraction, megabytes, megabytes / elapsed,
      left / 60, left % 60);
  // A terminal that is gone is no reason to stop.
  WriteText(STDERR_FILENO, line).IgnoreError();
  shown_ = true;
}

}  // namespace weightinit::cli
