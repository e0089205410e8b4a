// One stream of messages: when the next one is made, and when it is written.

#ifndef WEIGHTINIT_SERVER_STREAM_MESSAGE_STREAM_H_
#define WEIGHTINIT_SERVER_STREAM_MESSAGE_STREAM_H_

#include <atomic>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/stream/call_observer.h"
#include "server/stream/generator_pool.h"
#include "server/stream/message_source.h"
#include "server/stream/stream_admission.h"
#include "server/stream/stream_watch.h"

namespace weightinit {

// The call that a stream answers, as gRPC offers it. The buffers that it is
// given stay valid and unchanged until the write is done.
class StreamCall {
 public:
  // Starts to write; OnWriteDone follows, perhaps before this returns.
  virtual void Write(const grpc::ByteBuffer* message) = 0;
  // The last message, and the end of the call with status OK.
  virtual void WriteAndFinish(const grpc::ByteBuffer* message) = 0;
  // The end of the call with an error.
  virtual void FinishWithError(const absl::Status& error) = 0;
  // Cancels the call, whatever it is doing: OnCancel follows, on another thread
  // if this one is within a method of the stream, and OnWriteDone if a write is
  // in flight.
  virtual void Cancel() = 0;

 protected:
  ~StreamCall() = default;
};

// Sends the messages of a source in order, to its end or until the call is
// cancelled. While one message is written, a generator thread makes those after
// it, so that at most kMaxMessages are held: one in flight, the rest ready or
// being made. A write completes when the transport has taken the message, so a
// client that does not read stops the generation too.
//
// Invariants, all under mutex_:
//  1. At most one write is in flight and at most one generator task is pending.
//  2. Until finished_, at least one of the two is so; whichever completes
//     decides what comes next. Thus a cancellation is always noticed, within
//     one message.
//  3. finished_ is set, and the call finished, only when neither is so; thus no
//     task refers to the stream after OnDone.
// The call is used with the mutex released, because completions may arrive on
// other threads before such a use returns, and one of them may be the end of
// this object.
class MessageStream final : private GeneratorPool::Task,
                            private StreamWatch::Stream {
 public:
  static constexpr int kMaxMessages = 3;

  // `generators`, `watch` and `call` outlive the stream.
  MessageStream(std::unique_ptr<MessageSource> source,
                StreamAdmission::Ticket ticket, ObservedCall observed,
                GeneratorPool* generators, StreamWatch* watch,
                StreamCall* call);
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;
  ~MessageStream() = default;

  // Call it once, first.
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);

  // What gRPC tells of the call. OnDone comes last; the stream may be destroyed
  // after it.
  void OnWriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel();
  void OnDone() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What has been decided and is to be done once the mutex is released.
  struct Decision {
    bool is_nothing() const { return !generate && call == kNothing; }

    bool generate = false;
    enum { kNothing, kWrite, kWriteAndFinish, kFail } call = kNothing;
    absl::Status error;  // Of kFail.
  };

  absl::Duration Look(absl::Time now, const StreamPatience& patience) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  // On a generator thread: makes the next message, or some of the preparations
  // for it.
  void Run() override ABSL_LOCKS_EXCLUDED(mutex_);

  // The source's Prepare, and its next message.
  absl::StatusOr<bool> Prepare();
  absl::StatusOr<StreamMessage> Make();
  // What work() returns, or an error where there is no memory for it.
  template <typename Work>
  auto Compute(const Work& work) -> decltype(work());
  // Keeps a message that was made, or the error in its place.
  void Take(absl::StatusOr<StreamMessage> made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Decision Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // REQUIRES: there is something to do, or gRPC waits for the caller to return:
  // the object may be gone otherwise. It may be gone when this returns.
  void Perform(const Decision& decision) ABSL_LOCKS_EXCLUDED(mutex_);

  // Messages made and not yet taken by the transport.
  int held() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int>(ready_.size()) + (writing_ ? 1 : 0);
  }

  GeneratorPool* const generators_;
  StreamWatch* const watch_;
  StreamCall* const call_;

  // Used by the pending task alone, or under mutex_ with none pending.
  const std::unique_ptr<MessageSource> source_;

  std::atomic<bool> cancelled_{false};

  absl::Mutex mutex_;
  StreamAdmission::Ticket ticket_ ABSL_GUARDED_BY(mutex_);
  ObservedCall observed_ ABSL_GUARDED_BY(mutex_);
  std::deque<StreamMessage> ready_ ABSL_GUARDED_BY(mutex_);
  bool generating_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  // A message, the last one too, that the transport has still to take.
  bool in_transport_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time in_transport_since_ ABSL_GUARDED_BY(mutex_);
  const absl::Time begin_ = absl::Now();
  bool stalled_ ABSL_GUARDED_BY(mutex_) = false;  // And so cancelled.
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // Of the source, or that the stream has lasted too long.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  bool written_ ABSL_GUARDED_BY(mutex_) = false;  // A message, at least.
  // The message being written. Decide changes it when there is none; the write
  // reads it without the mutex.
  StreamMessage in_flight_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_MESSAGE_STREAM_H_
