// A MessageStream as a reactor of gRPC.

#ifndef WEIGHTINIT_SERVER_STREAM_STREAM_REACTOR_H_
#define WEIGHTINIT_SERVER_STREAM_STREAM_REACTOR_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/status.h"
#include "proto/cpp/status_conversion.h"
#include "server/listen/connections.h"
#include "server/stream/message_stream.h"

namespace weightinit {

// Owns itself, as reactors do: OnDone, which gRPC calls last, deletes it.
class StreamReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                            private StreamCall {
 public:
  // Begins to stream. `generators`, `watch` and `context` outlive the stream;
  // `call` lasts as long as it does.
  static StreamReactor* Start(std::unique_ptr<MessageSource> source,
                              StreamAdmission::Ticket ticket,
                              ObservedCall observed, Connections::Call call,
                              GeneratorPool* generators, StreamWatch* watch,
                              grpc::CallbackServerContext* context) {
    auto* reactor = new StreamReactor(std::move(source), std::move(ticket),
                                      std::move(observed), std::move(call),
                                      generators, watch, context);
    // gRPC calls OnDone only after the handler has returned the reactor, so the
    // object outlives this call even if the stream should end within it.
    reactor->stream_.Start();
    return reactor;
  }

  void OnWriteDone(bool ok) override {
    if (ok) written_ = true;
    stream_.OnWriteDone(ok);
  }
  void OnCancel() override {
    if (!written_) call_.TakeBack();
    stream_.OnCancel();
  }
  void OnDone() override {
    stream_.OnDone();
    delete this;
  }

 private:
  StreamReactor(std::unique_ptr<MessageSource> source,
                StreamAdmission::Ticket ticket, ObservedCall observed,
                Connections::Call call, GeneratorPool* generators,
                StreamWatch* watch, grpc::CallbackServerContext* context)
      : context_(context),
        call_(std::move(call)),
        stream_(std::move(source), std::move(ticket), std::move(observed),
                generators, watch, this) {}
  ~StreamReactor() override = default;

  void Write(const grpc::ByteBuffer* message) override { StartWrite(message); }
  void WriteAndFinish(const grpc::ByteBuffer* message) override {
    StartWriteAndFinish(message, grpc::WriteOptions(), grpc::Status::OK);
  }
  void FinishWithError(const absl::Status& error) override {
    Finish(ToGrpcStatus(error));
  }

  void Cancel() override { context_->TryCancel(); }

  grpc::CallbackServerContext* const context_;
  Connections::Call call_;
  std::atomic<bool> written_{false};
  MessageStream stream_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_STREAM_REACTOR_H_
