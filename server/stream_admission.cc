#include "server/stream_admission.h"

#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weightinit {

StreamAdmission::Ticket::Ticket(Ticket&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      has_place_(other.has_place_) {}

StreamAdmission::Ticket::~Ticket() {
  if (admission_ == nullptr) return;
  FreePlace();
  std::lock_guard<std::mutex> lock(admission_->mutex_);
  // Under the mutex, because who waits may destroy the admission.
  if (--admission_->tickets_ == 0) admission_->idle_.notify_all();
}

void StreamAdmission::Ticket::FreePlace() {
  if (!std::exchange(has_place_, false)) return;
  std::lock_guard<std::mutex> lock(admission_->mutex_);
  --admission_->places_taken_;
}

absl::StatusOr<StreamAdmission::Ticket> StreamAdmission::Admit() {
  std::lock_guard<std::mutex> lock(mutex_);
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
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
}

bool StreamAdmission::WaitUntilIdle(absl::Time deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  return idle_.wait_until(lock, absl::ToChronoTime(deadline),
                          [this] { return tickets_ == 0; });
}

int StreamAdmission::active() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return places_taken_;
}

}  // namespace weightinit
