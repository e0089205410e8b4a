#include "client/cpp/streams/retry_limits.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/streams/replica.h"

namespace weightinit {

void RetryLimits::Progress() {
  fruitless_ = 0;
  full_since_ = absl::InfiniteFuture();
  last_of_.clear();
}

absl::Status RetryLimits::Failed(int replica, const AttemptResult& result) {
  if (result.progress) Progress();
  last_ = result.status;
  const bool asked_before = last_of_.count(replica) > 0;
  last_of_[replica] = absl::StrCat(
      result.server, result.server.empty() ? "" : ": ", last_.message());
  if (result.full) full_since_ = std::min(full_since_, absl::Now());
  if (!result.progress) ++fruitless_;
  if (full()) {
    // Each is asked, however short the wait may be.
    const bool too_late = asked_before && absl::Now() >= end_of_wait();
    return too_late ? NoRoom() : absl::OkStatus();
  }
  if (fruitless_ < options_.max_attempts_without_progress) {
    return absl::OkStatus();
  }
  return absl::Status(last_.code(), absl::StrCat("gave up after ", fruitless_,
                                                 " attempts without progress: ",
                                                 last_.message()));
}

absl::Status RetryLimits::MayWaitUntil(absl::Time time) const {
  if (full()) return time < end_of_wait() ? absl::OkStatus() : NoRoom();
  if (time < options_.deadline) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("timeout of ", absl::FormatDuration(options_.timeout),
                   " reached: ", last_.message()));
}

absl::Time RetryLimits::end_of_wait() const {
  if (options_.deadline != absl::InfiniteFuture()) return options_.deadline;
  return full_since_ + options_.max_wait_when_full;
}

absl::Status RetryLimits::NoRoom() const {
  std::string message = "no server had room within ";
  if (options_.deadline == absl::InfiniteFuture()) {
    absl::StrAppend(&message,
                    absl::FormatDuration(options_.max_wait_when_full));
  } else {
    absl::StrAppend(&message, "the timeout of ",
                    absl::FormatDuration(options_.timeout));
  }
  for (const auto& [replica, text] : last_of_) {
    absl::StrAppend(&message, replica == last_of_.begin()->first ? ": " : "; ",
                    text);
  }
  return absl::ResourceExhaustedError(message);
}

}  // namespace weightinit
