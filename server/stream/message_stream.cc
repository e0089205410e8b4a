#include "server/stream/message_stream.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/stream/message_source.h"

namespace weightinit {

using Effort = MessageSource::Effort;

MessageStream::MessageStream(std::unique_ptr<MessageSource> source,
                             StreamAdmission::Ticket ticket,
                             ObservedCall observed, GeneratorPool* generators,
                             StreamCall* call)
    : generators_(generators),
      call_(call),
      source_(std::move(source)),
      ticket_(std::move(ticket)),
      observed_(std::move(observed)) {}

void MessageStream::Start() {
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
    if (ok) observed_.Progress(in_flight_.delivered);
    in_flight_.wire.Clear();
    decision = Decide();
  }
  Perform(decision);
}

void MessageStream::OnCancel() { cancelled_ = true; }

void MessageStream::OnDone() {
  const absl::MutexLock lock(&mutex_);
  if (cancelled_) {
    observed_.End(absl::StatusCode::kCancelled);
  } else {
    observed_.Progress(in_flight_.delivered);  // The last message.
    observed_.End(absl::StatusCode::kOk);
  }
}

void MessageStream::Run() {
  StreamMessage message;
  const bool cancelled = cancelled_;
  if (!cancelled) message = source_->Next();
  Decision decision;
  {
    const absl::MutexLock lock(&mutex_);
    generating_ = false;
    if (!cancelled) ready_.push_back(std::move(message));
    decision = Decide();
  }
  Perform(decision);
}

MessageStream::Decision MessageStream::Decide() {
  Decision decision;
  if (finished_) return decision;
  if (cancelled_) {
    ready_.clear();
    if (!writing_ && !generating_) {
      finished_ = true;
      ticket_.FreePlace();
      decision.call = Decision::kCancel;
    }
    return decision;
  }
  if (!generating_) {
    while (held() < kMaxMessages && source_->next_effort() == Effort::kQuick) {
      ready_.push_back(source_->Next());
    }
    if (held() < kMaxMessages && source_->next_effort() == Effort::kSlow) {
      generating_ = true;
      decision.generate = true;
    }
  }
  if (!writing_ && !ready_.empty()) {
    in_flight_ = std::move(ready_.front());
    ready_.pop_front();
    if (!generating_ && ready_.empty() &&
        source_->next_effort() == Effort::kNone) {
      finished_ = true;
      ticket_.FreePlace();
      decision.call = Decision::kWriteAndFinish;
    } else {
      writing_ = true;
      decision.call = Decision::kWrite;
    }
  }
  return decision;
}

void MessageStream::Perform(Decision decision) {
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
    case Decision::kCancel:
      call_->FinishCancelled();
      break;
  }
}

}  // namespace weightinit
