#include "server/stream/stream_admission.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/cpp/status_conversion.h"

namespace weightinit {
namespace {

// Long enough that a full server is not busy with refusals, short beside the
// time that a stream takes.
constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);

absl::Status TryLater(absl::string_view reason, absl::string_view why) {
  return WithReason(WithRetryDelay(absl::ResourceExhaustedError(
                                       absl::StrCat(why, "; try again later")),
                                   kRetryDelay),
                    reason);
}

}  // namespace

StreamAdmission::Ticket::Ticket(Ticket&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      client_(std::move(other.client_)),
      has_place_(other.has_place_),
      bytes_(other.bytes_),
      elements_(other.elements_) {}

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
  const int64_t limit = admission_->limits_.max_bytes_held;
  if (bytes > limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the stream may hold ", bytes,
                     " bytes, and all that are served together ", limit));
  }
  if (bytes > limit - admission_->bytes_held_) {
    return TryLater("TOO_MANY_BYTES_HELD",
                    absl::StrCat("the stream may hold ", bytes,
                                 " bytes, and those that are served hold ",
                                 admission_->bytes_held_, " of ", limit));
  }
  admission_->bytes_held_ += bytes;
  bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status StreamAdmission::Ticket::RequestElements(int64_t elements) {
  const absl::MutexLock lock(&admission_->mutex_);
  const int64_t limit = admission_->limits_.max_requested_elements;
  if (admission_->elements_ > 0 && elements > limit - admission_->elements_) {
    return TryLater("TOO_MANY_ELEMENTS",
                    absl::StrCat("the stream asks for ", elements,
                                 " elements, and those that are served for ",
                                 admission_->elements_, " of ", limit));
  }
  admission_->elements_ += elements;
  elements_ += elements;
  return absl::OkStatus();
}

void StreamAdmission::Ticket::FreePlace() {
  if (!std::exchange(has_place_, false)) return;
  const absl::MutexLock lock(&admission_->mutex_);
  --admission_->places_taken_;
  admission_->bytes_held_ -= bytes_;
  admission_->elements_ -= elements_;
  const auto places = admission_->places_of_client_.find(client_);
  if (--places->second == 0) admission_->places_of_client_.erase(places);
}

absl::StatusOr<StreamAdmission::Ticket> StreamAdmission::Admit(
    const std::string& client) {
  const absl::MutexLock lock(&mutex_);
  if (closed_) {
    return absl::UnavailableError("the server is shutting down");
  }
  if (places_taken_ >= limits_.max_streams) {
    return TryLater(
        "TOO_MANY_STREAMS",
        absl::StrCat("the server already serves ", limits_.max_streams,
                     " streams, which is its max_streams"));
  }
  const auto places = places_of_client_.find(client);
  if (places != places_of_client_.end() &&
      places->second >= limits_.max_streams_per_client) {
    return TryLater(
        "TOO_MANY_STREAMS_OF_CLIENT",
        absl::StrCat(
            "the server already serves ", limits_.max_streams_per_client,
            " streams of this client, which is its max_streams_per_client"));
  }
  ++places_of_client_[client];
  ++places_taken_;
  ++tickets_;
  return Ticket(this, client);
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
