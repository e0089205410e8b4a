#include "server/stream/stream_admission.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weightinit {

StreamAdmission::Ticket::Ticket(Ticket&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      has_place_(other.has_place_),
      bytes_(other.bytes_) {}

StreamAdmission::Ticket::~Ticket() {
  if (admission_ == nullptr) return;
  FreePlace();
  const absl::MutexLock lock(&admission_->mutex_);
  // Signalled before the mutex is released: whoever waits for the last ticket
  // may then destroy the admission.
  if (--admission_->tickets_ == 0) admission_->idle_.SignalAll();
}

absl::Status StreamAdmission::Ticket::HoldBytes(int64_t bytes) {
  const absl::MutexLock lock(&admission_->mutex_);
  if (bytes > admission_->max_bytes_ - admission_->bytes_held_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the stream may hold ", bytes,
        " bytes, and those that are served hold ", admission_->bytes_held_,
        " of ", admission_->max_bytes_, "; try again later"));
  }
  admission_->bytes_held_ += bytes;
  bytes_ += bytes;
  return absl::OkStatus();
}

void StreamAdmission::Ticket::FreePlace() {
  if (!std::exchange(has_place_, false)) return;
  const absl::MutexLock lock(&admission_->mutex_);
  --admission_->places_taken_;
  admission_->bytes_held_ -= bytes_;
}

absl::StatusOr<StreamAdmission::Ticket> StreamAdmission::Admit() {
  const absl::MutexLock lock(&mutex_);
  if (closed_) {
    return absl::UnavailableError("the server is shutting down");
  }
  if (places_taken_ >= max_streams_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server already serves ", max_streams_,
                     " streams, which is its max_streams; try again later"));
  }
  ++places_taken_;
  ++tickets_;
  return Ticket(this);
}

void StreamAdmission::Close() {
  const absl::MutexLock lock(&mutex_);
  closed_ = true;
}

bool StreamAdmission::WaitUntilIdle(absl::Time deadline) {
  const absl::MutexLock lock(&mutex_);
  while (tickets_ > 0) {
    if (idle_.WaitWithDeadline(&mutex_, deadline)) return tickets_ == 0;
  }
  return true;
}

int StreamAdmission::active() const {
  const absl::MutexLock lock(&mutex_);
  return places_taken_;
}

int64_t StreamAdmission::bytes_held() const {
  const absl::MutexLock lock(&mutex_);
  return bytes_held_;
}

}  // namespace weightinit
