// A progress bar.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PROGRESS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PROGRESS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace weightinit::cli {

// One line on standard error, redrawn at most ten times a second, erased at the
// end; nothing at all unless standard error is a terminal and the tensor is
// big. Not thread-safe.
class ProgressBar {
 public:
  ProgressBar() = default;
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  void Start(int64_t total_bytes);
  void Add(int64_t bytes);

 private:
  bool shown_ = false;
  int64_t total_bytes_ = 0;
  int64_t bytes_ = 0;
  absl::Time started_;
  absl::Time next_redraw_ = absl::InfiniteFuture();
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PROGRESS_H_
