// How many streams are served at once, and when the last one has ended.

#ifndef WEIGHTINIT_SERVER_STREAM_ADMISSION_H_
#define WEIGHTINIT_SERVER_STREAM_ADMISSION_H_

#include <condition_variable>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weightinit {

// Admits streams up to a limit until it is closed. Thread-safe; outlives its
// tickets.
class StreamAdmission {
 public:
  // The right of one stream to exist. Its destruction says that the stream has
  // ended. Not thread-safe.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    // Lets another stream in, although this one has still to be ended: a client
    // that has seen the end of its stream may at once begin the next.
    void FreePlace();

   private:
    friend class StreamAdmission;
    explicit Ticket(StreamAdmission* admission) : admission_(admission) {}

    StreamAdmission* admission_;  // Null after a move.
    bool has_place_ = true;
  };

  explicit StreamAdmission(int max_streams) : max_streams_(max_streams) {}

  // RESOURCE_EXHAUSTED when all places are taken, UNAVAILABLE after Close.
  absl::StatusOr<Ticket> Admit();

  // Refuses every stream from now on.
  void Close();

  // Waits until every admitted stream has ended; false if `deadline` came
  // first.
  bool WaitUntilIdle(absl::Time deadline);

  int max_streams() const { return max_streams_; }
  // Places taken.
  int active() const;

 private:
  const int max_streams_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  bool closed_ = false;
  int places_taken_ = 0;
  int tickets_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_ADMISSION_H_
