// One stream against a stand-in for gRPC that completes writes in every order
// that gRPC may. Sanitizers see all of it, which they do not of the packaged
// gRPC.

#include "server/stream/message_stream.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/call_observer.h"
#include "server/stream/generator_pool.h"
#include "server/stream/message_source.h"
#include "server/stream/stream_admission.h"
#include "server/tensor_message_source.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using Part = v1::InitializeTensorResponse;
using ::testing::ElementsAre;
using ::testing::Le;
using ::testing::SizeIs;

// Stands in for gRPC's side of the call. As there, OnDone comes when the stream
// has been bound, the call finished and every reaction returned.
class FakeCall final : public StreamCall {
 public:
  enum class Completion {
    kLater,         // A write completes on another thread.
    kBeforeReturn,  // Likewise, and before the call that started it returns.
    kNever,         // Only FailWrite completes a write.
  };

  FakeCall(Completion completion, const BufferPool* buffers)
      : completion_(completion),
        buffers_(buffers),
        completer_([this] { Complete(); }) {}

  ~FakeCall() {
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
      changed_.SignalAll();
    }
    completer_.join();
  }

  FakeCall(const FakeCall&) = delete;
  FakeCall& operator=(const FakeCall&) = delete;

  // Starts the stream, which is destroyed after OnDone, as gRPC's reactors are.
  void Run(std::unique_ptr<MessageStream> stream) {
    stream_ = stream.release();
    stream_->Start();
    {
      const absl::MutexLock lock(&mutex_);
      bound_ = true;
      changed_.SignalAll();
    }
    Unref();
  }

  // Cancels the call once `parts` writes have been started.
  void CancelAfter(size_t parts) {
    {
      const absl::MutexLock lock(&mutex_);
      while (parts_.size() < parts && !finished_) changed_.Wait(&mutex_);
      if (references_ == 0) return;  // It is over.
      ++references_;
    }
    stream_->OnCancel();
    Unref();
  }

  // Completes the write in flight as failed.
  void FailWrite() {
    {
      const absl::MutexLock lock(&mutex_);
      ASSERT_TRUE(write_in_flight_);
      write_in_flight_ = false;
    }
    stream_->OnWriteDone(false);
    Unref();
  }

  void WaitUntilDone() {
    const absl::MutexLock lock(&mutex_);
    while (!done_) changed_.Wait(&mutex_);
  }

  // Call these when the stream is done.
  const std::vector<Part>& parts() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return parts_;
  }
  grpc::StatusCode code() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return code_; }
  int64_t most_buffers() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return most_buffers_;
  }

  void Write(const grpc::ByteBuffer* message) override {
    bool complete_here = false;
    {
      const absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(write_in_flight_) << "two writes at once";
      EXPECT_FALSE(finished_) << "a write after the end";
      ++references_;
      Record(*message);
      write_in_flight_ = true;
      complete_here = bound_ && completion_ == Completion::kBeforeReturn;
      if (complete_here) write_in_flight_ = false;
      // Signalled before the mutex is released: the end of this write may be
      // the end of the test.
      changed_.SignalAll();
    }
    if (complete_here) {
      std::thread([this] {
        stream_->OnWriteDone(true);
        Unref();
      }).join();
    }
  }

  void WriteAndFinish(const grpc::ByteBuffer* message) override {
    {
      const absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(write_in_flight_) << "two writes at once";
      Record(*message);
    }
    Finish(grpc::StatusCode::OK);
  }

  void FinishCancelled() override { Finish(grpc::StatusCode::CANCELLED); }

 private:
  void Finish(grpc::StatusCode code) {
    {
      const absl::MutexLock lock(&mutex_);
      EXPECT_FALSE(finished_) << "finished twice";
      finished_ = true;
      code_ = code;
      changed_.SignalAll();
    }
    Unref();
  }

  void Record(const grpc::ByteBuffer& message)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    most_buffers_ = std::max(most_buffers_, buffers_->in_use());
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(message.Dump(&slices).ok());
    std::string flat;
    for (const grpc::Slice& slice : slices) {
      flat.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    EXPECT_TRUE(parts_.emplace_back().ParseFromString(flat));
  }

  void Unref() {
    {
      const absl::MutexLock lock(&mutex_);
      if (--references_ > 0) return;
    }
    stream_->OnDone();
    delete stream_;
    // Signalled before the mutex is released: whoever waits may then destroy
    // this object.
    const absl::MutexLock lock(&mutex_);
    done_ = true;
    changed_.SignalAll();
  }

  // Waits for a write to complete; false when the call is destroyed.
  bool TakeWrite() {
    const absl::MutexLock lock(&mutex_);
    while (!stopping_) {
      if (write_in_flight_ && bound_ && completion_ != Completion::kNever) {
        write_in_flight_ = false;
        return true;
      }
      changed_.Wait(&mutex_);
    }
    return false;
  }

  // On the completer's thread.
  void Complete() {
    while (TakeWrite()) {
      stream_->OnWriteDone(true);
      Unref();
    }
  }

  const Completion completion_;
  const BufferPool* const buffers_;
  MessageStream* stream_ = nullptr;  // Set before anything is called back.

  absl::Mutex mutex_;
  absl::CondVar changed_;
  int references_ ABSL_GUARDED_BY(mutex_) = 2;  // The binding and the finish.
  bool bound_ ABSL_GUARDED_BY(mutex_) = false;
  bool write_in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Part> parts_ ABSL_GUARDED_BY(mutex_);
  grpc::StatusCode code_ ABSL_GUARDED_BY(mutex_) = grpc::StatusCode::UNKNOWN;
  int64_t most_buffers_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread completer_;  // Last, since it uses the others.
};

// Keeps what it is told of one call.
class RecordingObserver final : public CallObserver {
 public:
  void OnBegin(const CallRecord& call) override { Add("begin", call); }
  void OnRefusal(const CallRecord& call, const absl::Status&) override {
    Add("refusal", call);
  }
  void OnProgress(const CallRecord& call) override { Add("progress", call); }
  void OnEnd(const CallRecord& call, absl::StatusCode code) override {
    Add(absl::StatusCodeToString(code), call);
  }

  // Call these when the stream is done.
  const std::vector<std::string>& events() const
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return events_;
  }
  const CallRecord& last() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return last_;
  }

 private:
  void Add(const std::string& event, const CallRecord& call) {
    const absl::MutexLock lock(&mutex_);
    events_.push_back(event);
    last_ = call;
  }

  absl::Mutex mutex_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mutex_);
  CallRecord last_ ABSL_GUARDED_BY(mutex_);
};

// A source of quick and slow messages that hold their own number.
class CountingSource final : public MessageSource {
 public:
  explicit CountingSource(std::vector<Effort> efforts)
      : efforts_(std::move(efforts)) {}

  Effort next_effort() const override {
    return next_ < efforts_.size() ? efforts_[next_] : Effort::kNone;
  }

  StreamMessage Next() override {
    v1::InitializeTensorResponse part;
    part.mutable_trailer()->set_elements(static_cast<int64_t>(next_++));
    const grpc::Slice slice(part.SerializeAsString());
    return {grpc::ByteBuffer(&slice, 1), {}};
  }

  int64_t MaxBytesHeld(int /*messages*/) const override { return 0; }

 private:
  const std::vector<Effort> efforts_;
  size_t next_ = 0;
};

// What streams need, and what must be left when they are done.
class MessageStreamTest : public ::testing::Test {
 protected:
  static TensorPlan Plan(int64_t elements) {
    TensorRequest request;
    request.tensor.name = "w";
    request.tensor.shape = {elements};
    request.tensor.scheme = Scheme::kUniform;
    request.chunk_bytes = 64;
    return Resolve(request).value();
  }

  void Start(FakeCall* call, int64_t elements) {
    Start(call, std::make_unique<TensorMessageSource>(
                    TensorReader(Plan(elements)), buffers_));
  }

  void Start(FakeCall* call, std::unique_ptr<MessageSource> source) {
    auto ticket = admission_.Admit();
    ASSERT_TRUE(ticket.ok()) << ticket.status();
    ObservedCall observed(&observer_, "InitializeTensor");
    call->Run(std::make_unique<MessageStream>(
        std::move(source), *std::move(ticket), std::move(observed),
        &generators_, call));
  }

  void TearDown() override {
    EXPECT_EQ(admission_.active(), 0);
    EXPECT_TRUE(admission_.WaitUntilIdle(absl::Now()));
    EXPECT_EQ(buffers_->in_use(), 0);
  }

  const std::shared_ptr<BufferPool> buffers_ = BufferPool::Create(1 << 20);
  StreamAdmission admission_{1};
  RecordingObserver observer_;
  GeneratorPool generators_{2};
};

void ExpectWholeTensor(const FakeCall& call, int64_t elements) {
  EXPECT_EQ(call.code(), grpc::StatusCode::OK);
  const auto& parts = call.parts();
  ASSERT_GE(parts.size(), 2U);
  EXPECT_TRUE(parts.front().has_header());
  std::string data;
  for (size_t i = 1; i + 1 < parts.size(); ++i) {
    ASSERT_TRUE(parts[i].has_chunk());
    EXPECT_EQ(parts[i].chunk().first_element(), data.size() / 4);
    data += parts[i].chunk().data();
  }
  ASSERT_TRUE(parts.back().has_trailer());
  EXPECT_EQ(parts.back().trailer().elements(), elements);
  EXPECT_EQ(parts.back().trailer().crc32(),
            ExtendCrc32(0, absl::MakeConstSpan(
                               reinterpret_cast<const uint8_t*>(data.data()),
                               data.size())));
  EXPECT_EQ(data.size(), 4 * elements);
}

TEST_F(MessageStreamTest, WritesThatCompleteLaterDeliverTheWholeTensor) {
  for (int64_t elements : {0, 1, 16, 17, 1000}) {
    FakeCall call(FakeCall::Completion::kLater, buffers_.get());
    Start(&call, elements);
    call.WaitUntilDone();
    ExpectWholeTensor(call, elements);
    EXPECT_THAT(call.most_buffers(), Le(MessageStream::kMaxMessages));
  }
}

TEST_F(MessageStreamTest, WriteMayCompleteBeforeTheCallThatStartedItReturns) {
  for (int64_t elements : {0, 1, 16, 17, 1000}) {
    FakeCall call(FakeCall::Completion::kBeforeReturn, buffers_.get());
    Start(&call, elements);
    call.WaitUntilDone();
    ExpectWholeTensor(call, elements);
  }
}

TEST_F(MessageStreamTest, SourceOfAnyQuickAndSlowMessagesIsSentInOrder) {
  constexpr auto kQuick = MessageSource::Effort::kQuick;
  constexpr auto kSlow = MessageSource::Effort::kSlow;
  const std::vector<std::vector<MessageSource::Effort>> sources = {
      {kQuick},
      {kSlow},
      {kSlow, kSlow},
      {kQuick, kSlow, kSlow, kSlow, kSlow, kQuick, kQuick, kSlow},
      std::vector<MessageSource::Effort>(20, kQuick)};
  for (const auto completion :
       {FakeCall::Completion::kLater, FakeCall::Completion::kBeforeReturn}) {
    for (const auto& efforts : sources) {
      FakeCall call(completion, buffers_.get());
      Start(&call, std::make_unique<CountingSource>(efforts));
      call.WaitUntilDone();
      EXPECT_EQ(call.code(), grpc::StatusCode::OK);
      ASSERT_THAT(call.parts(), SizeIs(efforts.size()));
      for (size_t i = 0; i < efforts.size(); ++i) {
        EXPECT_EQ(call.parts()[i].trailer().elements(), i);
      }
    }
  }
}

TEST_F(MessageStreamTest, ObserverIsToldOfEachMessageAndTheEnd) {
  FakeCall call(FakeCall::Completion::kLater, buffers_.get());
  Start(&call, 17);
  call.WaitUntilDone();
  // A header, two chunks, a trailer.
  EXPECT_THAT(observer_.events(), ElementsAre("progress", "progress",
                                              "progress", "progress", "OK"));
  ASSERT_TRUE(observer_.last().delivered.has_value());
  EXPECT_EQ(observer_.last().delivered->elements, 17);
  EXPECT_EQ(observer_.last().delivered->bytes, 68);
  EXPECT_EQ(observer_.last().delivered->crc32,
            call.parts().back().trailer().crc32());
}

TEST_F(MessageStreamTest, ObserverIsToldOfACancellation) {
  FakeCall call(FakeCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_THAT(observer_.events(), ElementsAre("CANCELLED"));
}

TEST_F(MessageStreamTest, FailedWriteEndsTheStream) {
  FakeCall call(FakeCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(call.parts(), SizeIs(1));
}

TEST_F(MessageStreamTest, CancelledStreamEndsWithItsWrite) {
  FakeCall call(FakeCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.CancelAfter(1);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
}

TEST_F(MessageStreamTest, CancellationAtAnyMomentEndsTheStreamOnce) {
  constexpr int64_t kElements = 160;
  constexpr size_t kParts = 12;
  for (const auto completion :
       {FakeCall::Completion::kLater, FakeCall::Completion::kBeforeReturn}) {
    for (size_t parts = 0; parts <= kParts; ++parts) {
      for (int repetition = 0; repetition < 20; ++repetition) {
        FakeCall call(completion, buffers_.get());
        Start(&call, kElements);
        call.CancelAfter(parts);
        call.WaitUntilDone();
        EXPECT_THAT(call.parts().size(), Le(kParts));
        if (call.code() == grpc::StatusCode::OK) {
          ExpectWholeTensor(call, kElements);
        } else {
          EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
        }
      }
    }
  }
}

}  // namespace
}  // namespace weightinit
