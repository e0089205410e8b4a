// A stream of undecoded messages, and what is done with them.

#ifndef WEIGHTINIT_CLIENT_CPP_FETCH_MESSAGE_STREAM_READER_H_
#define WEIGHTINIT_CLIENT_CPP_FETCH_MESSAGE_STREAM_READER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace weightinit {

// Takes the messages of one stream, in order.
class MessageConsumer {
 public:
  virtual ~MessageConsumer() = default;

  // The next message; its memory is reused afterwards. An error ends the
  // stream.
  virtual absl::Status OnMessage(grpc::ByteBuffer& message) = 0;

  // The server has ended the stream with status OK.
  virtual absl::Status OnEnd() = 0;
};

// How a stream ended.
struct StreamEnd {
  // What the server said. CANCELLED where the consumer wanted no more, or the
  // stream stalled.
  grpc::Status server;
  // What the consumer said.
  absl::Status consumer;
  // Whether the server sent nothing for too long.
  bool stalled = false;
};

// Calls the server-streaming `method` ("/package.Service/Method") with the
// serialized `request` and hands its messages to `consumer` on this thread,
// until the stream ends; or until nothing has come for `stall_timeout`, the
// time that `consumer` takes not counted.
StreamEnd ReadMessages(grpc::GenericStub& stub, const std::string& method,
                       const grpc::ByteBuffer& request,
                       grpc::ClientContext& context, MessageConsumer& consumer,
                       absl::Duration stall_timeout);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_FETCH_MESSAGE_STREAM_READER_H_
