#include "client/cpp/fetch/message_stream_reader.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace weightinit {
namespace {

// One operation at a time on a queue of its own, which makes the asynchronous
// stub, the only one of undecoded messages, a blocking one.
class Call {
 public:
  Call(grpc::GenericStub& stub, const std::string& method,
       grpc::ClientContext& context, absl::Duration stall_timeout)
      : context_(context),
        stall_timeout_(stall_timeout),
        call_(Prepare(stub, method, context)) {
    // Corked: nothing is sent, and nothing completes, before the request.
    call_->StartCall(nullptr);
  }

  ~Call() {
    queue_.Shutdown();
    while (Wait().got_event) {
    }
  }

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool WriteLast(const grpc::ByteBuffer& message) {
    call_->WriteLast(message, grpc::WriteOptions(), nullptr);
    return WaitForServer().ok;
  }

  bool Read(grpc::ByteBuffer& message) {
    call_->Read(&message, nullptr);
    return WaitForServer().ok;
  }

  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    WaitForServer();
    return status;
  }

  bool stalled() const { return stalled_; }

 private:
  struct Event {
    bool got_event;
    bool ok;
  };

  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> Prepare(
      grpc::GenericStub& stub, const std::string& method,
      grpc::ClientContext& context) {
    context.set_initial_metadata_corked(true);
    return stub.PrepareCall(&context, method, &queue_);
  }

  Event WaitForServer() {
    if (stalled_ || stall_timeout_ == absl::InfiniteDuration()) return Wait();
    void* tag = nullptr;
    bool ok = false;
    const auto next = queue_.AsyncNext(
        &tag, &ok, absl::ToChronoTime(absl::Now() + stall_timeout_));
    if (next != grpc::CompletionQueue::TIMEOUT) {
      const bool got_event = next == grpc::CompletionQueue::GOT_EVENT;
      return {got_event, got_event && ok};
    }
    stalled_ = true;
    // What is under way ends at once then.
    context_.TryCancel();
    return Wait();
  }

  Event Wait() {
    void* tag = nullptr;
    bool ok = false;
    const bool got_event = queue_.Next(&tag, &ok);
    return {got_event, got_event && ok};
  }

  grpc::ClientContext& context_;
  const absl::Duration stall_timeout_;
  bool stalled_ = false;
  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace

StreamEnd ReadMessages(grpc::GenericStub& stub, const std::string& method,
                       const grpc::ByteBuffer& request,
                       grpc::ClientContext& context, MessageConsumer& consumer,
                       absl::Duration stall_timeout) {
  Call call(stub, method, context, stall_timeout);
  StreamEnd end;
  // A request that cannot be sent has its reason in the status of the call.
  if (call.WriteLast(request)) {
    grpc::ByteBuffer message;
    while (end.consumer.ok() && call.Read(message)) {
      end.consumer = consumer.OnMessage(message);
      // While its memory is in the caches, for gRPC to receive the next one in.
      message.Clear();
    }
  }
  if (!end.consumer.ok()) context.TryCancel();
  end.server = call.Finish();
  // A server that has ended the stream all the same had it ended before.
  end.stalled = call.stalled() && !end.server.ok();
  if (end.server.ok() && end.consumer.ok()) end.consumer = consumer.OnEnd();
  return end;
}

}  // namespace weightinit
