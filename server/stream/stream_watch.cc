#include "server/stream/stream_watch.h"

#include <algorithm>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weightinit {
namespace {

constexpr absl::Duration kStalled = absl::Seconds(1);

// A stream ends at most this long after its time.
absl::Duration Tick(const StreamPatience& patience) {
  return std::clamp(std::min(patience.write_stall, patience.life) / 8,
                    absl::Milliseconds(10), absl::Milliseconds(500));
}

}  // namespace

StreamWatch::StreamWatch(const StreamPatience& patience)
    : patience_(patience), ticker_(Tick(patience), [this] { LookAtAll(); }) {}

void StreamWatch::Add(Stream* stream) {
  const absl::MutexLock lock(&mutex_);
  streams_.insert(stream);
}

void StreamWatch::Remove(Stream* stream) {
  const absl::MutexLock lock(&mutex_);
  streams_.erase(stream);
}

void StreamWatch::LookAtAll() {
  const absl::Time now = absl::Now();
  const absl::Duration stalled_after =
      std::min(kStalled, patience_.write_stall / 2);
  int stalled = 0;
  const absl::MutexLock lock(&mutex_);
  for (Stream* const stream : streams_) {
    if (stream->Look(now, patience_) >= stalled_after) ++stalled;
  }
  stalled_ = stalled;
}

}  // namespace weightinit
