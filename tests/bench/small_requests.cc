#include "tests/bench/small_requests.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/client_callback.h"
#include "tests/bench/raw_stream.h"

namespace weightinit::bench {
namespace {

// Of one message. Small is what this is about.
constexpr size_t kMaxPayloadBytes = 4096;

// What the calls share. Thread-safe.
class Batch {
 public:
  Batch(const std::shared_ptr<grpc::Channel>& channel,
        const grpc::ByteBuffer& request, int count)
      : stub(channel), request(request), left_(count), ended_(count) {}

  // Whether there is another call to make, which the caller has to make then.
  bool Take() {
    const absl::MutexLock lock(&mutex_);
    return left_ > 0 && left_-- > 0;
  }

  void End(const absl::Status& status, int64_t bytes) {
    {
      const absl::MutexLock lock(&mutex_);
      status_.Update(status);
      bytes_ += bytes;
    }
    ended_.DecrementCount();
  }

  absl::StatusOr<int64_t> Wait() {
    ended_.Wait();
    const absl::MutexLock lock(&mutex_);
    if (!status_.ok()) return status_;
    return bytes_;
  }

  grpc::GenericStub stub;
  const grpc::ByteBuffer& request;

 private:
  absl::Mutex mutex_;
  int left_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  absl::BlockingCounter ended_;
};

// One call after the other. Owns itself: it is deleted with its last call.
class Caller final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // REQUIRES: batch->Take() was true.
  static void Start(Batch* batch) {
    auto* caller = new Caller(batch);
    // Corked: the call, its one message and their end travel together.
    caller->context_.set_initial_metadata_corked(true);
    batch->stub.PrepareBidiStreamingCall(&caller->context_,
                                         kInitializeTensorMethod,
                                         grpc::StubOptions(), caller);
    caller->StartWriteLast(&batch->request, grpc::WriteOptions());
    caller->StartRead(&caller->message_);
    caller->StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const auto size = CopyPayload(&message_, absl::MakeSpan(payload_));
    if (size.ok()) {
      bytes_ += *size;
    } else {
      status_.Update(size.status());
    }
    StartRead(&message_);
  }

  void OnDone(const grpc::Status& status) override {
    if (!status.ok()) status_.Update(ToAbslStatus(status));
    Batch* const batch = batch_;
    const absl::Status ended = status_;
    const int64_t bytes = bytes_;
    delete this;
    // The next one first: the batch may be gone once all calls have ended.
    if (batch->Take()) Start(batch);
    batch->End(ended, bytes);
  }

 private:
  explicit Caller(Batch* batch) : batch_(batch) {}
  ~Caller() override = default;

  Batch* const batch_;
  grpc::ClientContext context_;
  grpc::ByteBuffer message_;
  std::array<uint8_t, kMaxPayloadBytes> payload_;
  int64_t bytes_ = 0;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<int64_t> CallRepeatedly(
    const std::shared_ptr<grpc::Channel>& channel,
    const grpc::ByteBuffer& request, int count, int in_flight) {
  Batch batch(channel, request, count);
  for (int i = 0; i < std::min(in_flight, count); ++i) {
    if (batch.Take()) Caller::Start(&batch);
  }
  return batch.Wait();
}

}  // namespace weightinit::bench
