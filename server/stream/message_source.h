// What a stream sends, message by message.

#ifndef WEIGHTINIT_SERVER_STREAM_MESSAGE_SOURCE_H_
#define WEIGHTINIT_SERVER_STREAM_MESSAGE_SOURCE_H_

#include <cstdint>
#include <utility>

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
  }

  grpc::ByteBuffer wire;
  // What the stream has delivered when this message is.
  DeliveryTotals delivered;
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

  // The next message. REQUIRES: there is one.
  virtual StreamMessage Next() = 0;

  // Bytes of memory held at most while up to `messages` messages are not sent
  // yet, those of the messages included.
  virtual int64_t MaxBytesHeld(int messages) const = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_MESSAGE_SOURCE_H_
