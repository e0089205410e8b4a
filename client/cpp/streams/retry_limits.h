// When a call that servers refuse gives up.

#ifndef WEIGHTINIT_CLIENT_CPP_STREAMS_RETRY_LIMITS_H_
#define WEIGHTINIT_CLIENT_CPP_STREAMS_RETRY_LIMITS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/streams/replica.h"

namespace weightinit {

struct RetryOptions {
  // Of attempts in a row that found no server to answer.
  int max_attempts_without_progress = 1;
  // Since the first of the answers in a row that said "full"; of no effect if
  // there is a deadline.
  absl::Duration max_wait_when_full = absl::InfiniteDuration();
  absl::Time deadline = absl::InfiniteFuture();
  absl::Duration timeout = absl::InfiniteDuration();  // For the message.
};

// What became of the attempts of one call since it last made progress. A server
// that is full may have room later, so that it is waited for by time; one that
// is not reached, by attempts.
class RetryLimits {
 public:
  explicit RetryLimits(const RetryOptions& options) : options_(options) {}

  // Something was delivered.
  void Progress();

  // An attempt at a replica, by number, was broken. An error: the call ends.
  absl::Status Failed(int replica, const AttemptResult& result);

  // Whether the call may pause until `time`. An error: it ends.
  absl::Status MayWaitUntil(absl::Time time) const;

 private:
  bool full() const { return full_since_ != absl::InfiniteFuture(); }
  absl::Time end_of_wait() const;
  // The error of a call that found no room.
  absl::Status NoRoom() const;

  const RetryOptions options_;
  int fruitless_ = 0;  // Attempts in a row.
  absl::Time full_since_ = absl::InfiniteFuture();
  absl::Status last_;
  std::map<int, std::string> last_of_;  // By replica.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_STREAMS_RETRY_LIMITS_H_
