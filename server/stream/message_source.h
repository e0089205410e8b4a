// What a stream sends, message by message.

#ifndef WEIGHTINIT_SERVER_STREAM_MESSAGE_SOURCE_H_
#define WEIGHTINIT_SERVER_STREAM_MESSAGE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/stream/call_observer.h"

namespace weightinit {

// One message of a stream.
struct StreamMessage {
  StreamMessage() = default;
  // A ByteBuffer has no move of its own, only Swap.
  StreamMessage(grpc::ByteBuffer message, const DeliveryTotals& totals)
      : delivered(totals) {
    wire.Swap(&message);
  }
  StreamMessage(StreamMessage&& other) noexcept { Swap(other); }
  StreamMessage& operator=(StreamMessage&& other) noexcept {
    Swap(other);
    return *this;
  }
  void Swap(StreamMessage& other) noexcept {
    wire.Swap(&other.wire);
    std::swap(delivered, other.delivered);
    std::swap(model, other.model);
    std::swap(more_bytes_held, other.more_bytes_held);
  }

  grpc::ByteBuffer wire;
  // What the stream has delivered when this message is.
  DeliveryTotals delivered;
  // Which model the stream is about, where this message is the first to know.
  std::unique_ptr<CallModel> model;
  // Memory that the source may hold once it is asked for the message after this
  // one, beyond what it has said before.
  int64_t more_bytes_held = 0;
};

// Makes the messages of one stream, in order. Not thread-safe; calls may come
// from different threads, one at a time.
class MessageSource {
 public:
  // What it takes to make the next message.
  enum class Effort {
    kNone,   // There is none.
    kQuick,  // Less than to wake a generator thread.
    kSlow,
  };

  virtual ~MessageSource() = default;

  virtual Effort next_effort() const = 0;

  // Does some of what Next would have to do first, a few milliseconds of it at
  // most. True: there is no more of it. REQUIRES: next_effort() is kSlow.
  virtual bool Prepare() { return true; }

  // The next message. REQUIRES: there is one. After an error, which is how the
  // call ends, nothing else is asked of the source.
  virtual absl::StatusOr<StreamMessage> Next() = 0;

  // Bytes of memory held at most while up to `messages` messages are not sent
  // yet, those of the messages included, unless a message says that there are
  // more.
  virtual int64_t MaxBytesHeld(int messages) const = 0;

  // Elements that the request asks for, as far as it says; 0 if it does not.
  virtual int64_t elements() const { return 0; }

  // Asks for chunks of at most `bytes` bytes, which changes MaxBytesHeld.
  // REQUIRES: no message has been made.
  virtual void LimitChunks(int64_t bytes) { static_cast<void>(bytes); }
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_MESSAGE_SOURCE_H_
