#include "client/cpp/fetch/message_stream_reader.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
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
       grpc::ClientContext& context)
      : call_(Prepare(stub, method, context)) {
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
    return Wait().ok;
  }

  bool Read(grpc::ByteBuffer& message) {
    call_->Read(&message, nullptr);
    return Wait().ok;
  }

  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Wait();
    return status;
  }

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

  Event Wait() {
    void* tag = nullptr;
    bool ok = false;
    const bool got_event = queue_.Next(&tag, &ok);
    return {got_event, got_event && ok};
  }

  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace

StreamEnd ReadMessages(grpc::GenericStub& stub, const std::string& method,
                       const grpc::ByteBuffer& request,
                       grpc::ClientContext& context,
                       MessageConsumer& consumer) {
  Call call(stub, method, context);
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
  if (end.server.ok() && end.consumer.ok()) end.consumer = consumer.OnEnd();
  return end;
}

}  // namespace weightinit
