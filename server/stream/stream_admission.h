// How many streams are served at once, what memory they may hold, and when the
// last one has ended.

#ifndef WEIGHTINIT_SERVER_STREAM_STREAM_ADMISSION_H_
#define WEIGHTINIT_SERVER_STREAM_STREAM_ADMISSION_H_

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

// Of all streams that are served at once.
struct AdmissionLimits {
  int max_streams = 256;
  // Of one client, at least 1: not all, so that none takes all places.
  int max_streams_per_client = 128;
  // Memory that they may hold together.
  int64_t max_bytes_held = std::numeric_limits<int64_t>::max();
  // Elements that their requests ask for together. A stream alone is admitted
  // however many it asks for.
  int64_t max_requested_elements = std::numeric_limits<int64_t>::max();
};

// Admits streams up to its limits until it is closed. What is refused for now
// has a delay after which to ask again (RetryDelayOf). Thread-safe; outlives
// its tickets.
class StreamAdmission {
 public:
  // The right of one stream to exist. Its destruction says that the stream has
  // ended. Not thread-safe.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    // Counts `bytes` more that the stream may hold until it frees its place.
    // RESOURCE_EXHAUSTED: all streams together would exceed max_bytes_held, or
    // this one does alone; nothing is counted.
    absl::Status HoldBytes(int64_t bytes);

    // Counts elements that the request asks for, likewise.
    absl::Status RequestElements(int64_t elements);

    // Lets another stream in, although this one has still to be ended: a client
    // that has seen the end of its stream may at once begin the next.
    void FreePlace();

   private:
    friend class StreamAdmission;
    Ticket(StreamAdmission* admission, std::string client)
        : admission_(admission), client_(std::move(client)) {}

    StreamAdmission* admission_;  // Null after a move.
    std::string client_;
    bool has_place_ = true;
    int64_t bytes_ = 0;
    int64_t elements_ = 0;
  };

  explicit StreamAdmission(const AdmissionLimits& limits) : limits_(limits) {}

  // A place for a stream of `client`, whatever names one. RESOURCE_EXHAUSTED
  // when all places are taken, or all that the client may have; UNAVAILABLE
  // after Close.
  absl::StatusOr<Ticket> Admit(const std::string& client = "");

  // Refuses every stream from now on.
  void Close();

  // Waits until every admitted stream has ended; false if `deadline` came
  // first.
  bool WaitUntilIdle(absl::Time deadline);

  const AdmissionLimits& limits() const { return limits_; }
  // Places taken.
  int active() const;
  // Bytes that the streams with a place may hold.
  int64_t bytes_held() const;

 private:
  const AdmissionLimits limits_;

  mutable absl::Mutex mutex_;
  absl::CondVar idle_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int places_taken_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, int> places_of_client_
      ABSL_GUARDED_BY(mutex_);
  int64_t bytes_held_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t elements_ ABSL_GUARDED_BY(mutex_) = 0;
  int tickets_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_STREAM_ADMISSION_H_
