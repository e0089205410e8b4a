// A progress bar.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_PROGRESS_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_PROGRESS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit::cli {

// One line on standard error, redrawn at most ten times a second, erased at the
// end; nothing at all unless standard error is a terminal and the tensor is
// big. Thread-safe from Start on.
class ProgressBar {
 public:
  ProgressBar() = default;
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  // Before anything is added.
  void Start(int64_t total_bytes);
  void Add(int64_t bytes);

 private:
  int64_t total_bytes_ = 0;  // 0 if nothing is to be shown.
  absl::Time started_;
  absl::Mutex mutex_;
  bool shown_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time next_redraw_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_PROGRESS_H_
