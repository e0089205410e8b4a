#include "server/stream/message_stream.h"

#include <memory>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/cpp/status_conversion.h"
#include "server/stream/message_source.h"

namespace weightinit {

using Effort = MessageSource::Effort;

MessageStream::MessageStream(std::unique_ptr<MessageSource> source,
                             StreamAdmission::Ticket ticket,
                             ObservedCall observed, GeneratorPool* generators,
                             StreamWatch* watch, StreamCall* call)
    : generators_(generators),
      watch_(watch),
      call_(call),
      source_(std::move(source)),
      ticket_(std::move(ticket)),
      observed_(std::move(observed)) {}

void MessageStream::Start() {
  watch_->Add(this);
  Decision decision;
  {
    const absl::MutexLock lock(&mutex_);
    decision = Decide();
  }
  Perform(decision);
}

void MessageStream::OnWriteDone(bool ok) {
  // A write fails only when the call has been cancelled or its connection lost.
  if (!ok) cancelled_ = true;
  Decision decision;
  {
    const absl::MutexLock lock(&mutex_);
    writing_ = false;
    in_transport_ = false;
    if (ok) observed_.Progress(in_flight_.delivered);
    in_flight_.wire.Clear();
    decision = Decide();
  }
  Perform(decision);
}

void MessageStream::OnCancel() { cancelled_ = true; }

absl::Duration MessageStream::Look(absl::Time now,
                                   const StreamPatience& patience) {
  {
    const absl::MutexLock lock(&mutex_);
    if (now - begin_ >= patience.life && error_.ok() && !finished_) {
      // Seen when the next message is through.
      error_ = absl::UnavailableError(absl::StrCat(
          "the stream has lasted ", absl::FormatDuration(patience.life),
          ", which is its longest life; another can go on from here"));
    }
    const absl::Duration taken =
        in_transport_ ? now - in_transport_since_ : absl::ZeroDuration();
    if (taken < patience.write_stall || stalled_) return taken;
    stalled_ = true;
  }
  call_->Cancel();
  return patience.write_stall;
}

void MessageStream::OnDone() {
  watch_->Remove(this);
  const absl::MutexLock lock(&mutex_);
  if (stalled_) {
    observed_.End(absl::StatusCode::kDeadlineExceeded);
  } else if (cancelled_) {
    observed_.End(absl::StatusCode::kCancelled);
  } else if (!error_.ok()) {
    if (written_) {
      observed_.End(error_.code());
    } else {
      observed_.Refuse(error_);
    }
  } else {
    observed_.Progress(in_flight_.delivered);  // The last message.
    observed_.End(absl::StatusCode::kOk);
  }
}

void MessageStream::Run() {
  absl::StatusOr<StreamMessage> made = absl::CancelledError();
  if (!cancelled_) {
    const absl::StatusOr<bool> prepared = Prepare();
    if (prepared.ok() && !*prepared) {
      // Behind the tasks of other streams, which so share the threads.
      generators_->Submit(this);
      return;
    }
    made = prepared.ok() ? Make() : prepared.status();
  }
  Decision decision;
  {
    const absl::MutexLock lock(&mutex_);
    generating_ = false;
    Take(std::move(made));
    decision = Decide();
  }
  // If there is nothing to do, a write in flight kept the object alive; it may
  // have ended by now, and the object may be gone.
  if (!decision.is_nothing()) Perform(decision);
}

template <typename Work>
auto MessageStream::Compute(const Work& work) -> decltype(work()) {
  try {
    const absl::Time begin = absl::Now();
    auto result = work();
    generators_->CountComputing(absl::Now() - begin);
    return result;
  } catch (const std::bad_alloc&) {
    return WithRetryDelay(
        absl::ResourceExhaustedError("the server has no memory left"),
        absl::Seconds(1));
  }
}

absl::StatusOr<bool> MessageStream::Prepare() {
  return Compute(
      [this]() -> absl::StatusOr<bool> { return source_->Prepare(); });
}

absl::StatusOr<StreamMessage> MessageStream::Make() {
  return Compute([this] { return source_->Next(); });
}

void MessageStream::Take(absl::StatusOr<StreamMessage> made) {
  if (!made.ok()) {
    error_ = made.status();
    return;
  }
  error_ = ticket_.HoldBytes(made->more_bytes_held);
  if (!error_.ok()) return;
  if (made->model != nullptr) observed_.SetModel(*made->model);
  ready_.push_back(*std::move(made));
}

MessageStream::Decision MessageStream::Decide() {
  Decision decision;
  if (finished_) return decision;
  if (cancelled_) {
    ready_.clear();
    if (!writing_ && !generating_) {
      finished_ = true;
      ticket_.FreePlace();
      decision.call = Decision::kFail;
      decision.error = absl::CancelledError();
    }
    return decision;
  }
  if (!generating_) {
    while (error_.ok() && held() < kMaxMessages &&
           source_->next_effort() == Effort::kQuick) {
      Take(Make());
    }
    if (error_.ok() && held() < kMaxMessages &&
        source_->next_effort() == Effort::kSlow) {
      generating_ = true;
      decision.generate = true;
    }
  }
  if (!writing_ && !ready_.empty()) {
    in_flight_ = std::move(ready_.front());
    ready_.pop_front();
    written_ = true;
    in_transport_ = true;
    in_transport_since_ = absl::Now();
    if (!generating_ && ready_.empty() && error_.ok() &&
        source_->next_effort() == Effort::kNone) {
      finished_ = true;
      ticket_.FreePlace();
      decision.call = Decision::kWriteAndFinish;
    } else {
      writing_ = true;
      decision.call = Decision::kWrite;
    }
  } else if (!writing_ && !generating_ && !error_.ok()) {
    finished_ = true;
    ticket_.FreePlace();
    decision.call = Decision::kFail;
    decision.error = error_;
  }
  return decision;
}

void MessageStream::Perform(const Decision& decision) {
  if (decision.generate) generators_->Submit(this);
  switch (decision.call) {
    case Decision::kNothing:
      break;
    case Decision::kWrite:
      call_->Write(&in_flight_.wire);
      break;
    case Decision::kWriteAndFinish:
      call_->WriteAndFinish(&in_flight_.wire);
      break;
    case Decision::kFail:
      call_->FinishWithError(decision.error);
      break;
  }
}

}  // namespace weightinit
