// One stream against a stand-in for gRPC that completes writes in every order
// that gRPC may. Sanitizers see all of it, which they do not of the packaged
// gRPC.

#include "server/stream/message_stream.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
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
#include "server/stream/stream_watch.h"
#include "server/tensor_message_source.h"
#include "tests/server/stream/fake_stream_call.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::Le;
using ::testing::SizeIs;

// Keeps what it is told of one call.
class RecordingObserver final : public CallObserver {
 public:
  void OnBegin(const CallRecord& call) override { Add("begin", call); }
  void OnRefusal(const CallRecord& call, const absl::Status&) override {
    Add("refusal", call);
  }
  void OnProgress(const CallRecord& call, int64_t /*bytes*/) override {
    Add("progress", call);
  }
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

  absl::StatusOr<StreamMessage> Next() override {
    v1::InitializeTensorResponse part;
    part.mutable_trailer()->set_elements(static_cast<int64_t>(next_++));
    const grpc::Slice slice(part.SerializeAsString());
    return StreamMessage{grpc::ByteBuffer(&slice, 1), {}};
  }

  int64_t MaxBytesHeld(int /*messages*/) const override { return 0; }

 private:
  const std::vector<Effort> efforts_;
  size_t next_ = 0;
};

// A source that fails in place of its last message.
class FailingSource final : public MessageSource {
 public:
  explicit FailingSource(const std::vector<Effort>& efforts)
      : source_(efforts), messages_(efforts.size()) {}

  Effort next_effort() const override { return source_.next_effort(); }

  absl::StatusOr<StreamMessage> Next() override {
    if (++asked_ < messages_) return source_.Next();
    EXPECT_EQ(asked_, messages_) << "asked after an error";
    return absl::InvalidArgumentError("no such model");
  }

  int64_t MaxBytesHeld(int /*messages*/) const override { return 0; }

 private:
  CountingSource source_;
  const size_t messages_;
  size_t asked_ = 0;
};

// Any message.
StreamMessage SomeMessage() {
  const grpc::Slice slice(v1::InitializeTensorResponse().SerializeAsString());
  return StreamMessage(grpc::ByteBuffer(&slice, 1), {});
}

// A source that never ends.
class EndlessSource final : public MessageSource {
 public:
  Effort next_effort() const override { return Effort::kSlow; }
  absl::StatusOr<StreamMessage> Next() override { return SomeMessage(); }
  int64_t MaxBytesHeld(int /*messages*/) const override { return 0; }
};

// A source of one message, which is prepared when `prepared` says so.
class PreparedSource final : public MessageSource {
 public:
  explicit PreparedSource(const std::atomic<bool>* prepared)
      : prepared_(prepared) {}

  Effort next_effort() const override {
    return made_ ? Effort::kNone : Effort::kSlow;
  }
  bool Prepare() override { return *prepared_; }
  absl::StatusOr<StreamMessage> Next() override {
    EXPECT_TRUE(*prepared_);
    made_ = true;
    return SomeMessage();
  }
  int64_t MaxBytesHeld(int /*messages*/) const override { return 0; }

 private:
  const std::atomic<bool>* const prepared_;
  bool made_ = false;
};

// A source that finds no memory for its second message.
class HungrySource final : public MessageSource {
 public:
  Effort next_effort() const override { return Effort::kSlow; }
  absl::StatusOr<StreamMessage> Next() override {
    if (asked_++ > 0) throw std::bad_alloc();
    return SomeMessage();
  }
  int64_t MaxBytesHeld(int /*messages*/) const override { return 0; }

 private:
  int asked_ = 0;
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

  void Start(FakeStreamCall* call, int64_t elements) {
    Start(call, std::make_unique<TensorMessageSource>(
                    TensorReader(Plan(elements)), buffers_));
  }

  void Start(FakeStreamCall* call, std::unique_ptr<MessageSource> source) {
    Start(call, std::move(source), &watch_);
  }

  void Start(FakeStreamCall* call, std::unique_ptr<MessageSource> source,
             StreamWatch* watch) {
    auto ticket = admission_.Admit();
    ASSERT_TRUE(ticket.ok()) << ticket.status();
    ObservedCall observed(&observer_, "InitializeTensor");
    call->Run(std::make_unique<MessageStream>(
        std::move(source), *std::move(ticket), std::move(observed),
        &generators_, watch, call));
  }

  void TearDown() override {
    EXPECT_EQ(admission_.active(), 0);
    EXPECT_TRUE(admission_.WaitUntilIdle(absl::Now()));
    EXPECT_EQ(buffers_->in_use(), 0);
  }

  const std::shared_ptr<BufferPool> buffers_ = BufferPool::Create(1 << 20);
  StreamAdmission admission_{{3}};
  RecordingObserver observer_;
  GeneratorPool generators_{2};
  StreamWatch watch_{StreamPatience{}};
};

void ExpectWholeTensor(const FakeStreamCall& call, int64_t elements) {
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
    FakeStreamCall call(FakeStreamCall::Completion::kLater, buffers_.get());
    Start(&call, elements);
    call.WaitUntilDone();
    ExpectWholeTensor(call, elements);
    EXPECT_THAT(call.most_buffers(), Le(MessageStream::kMaxMessages));
  }
}

TEST_F(MessageStreamTest, WriteMayCompleteBeforeTheCallThatStartedItReturns) {
  for (int64_t elements : {0, 1, 16, 17, 1000}) {
    FakeStreamCall call(FakeStreamCall::Completion::kBeforeReturn,
                        buffers_.get());
    Start(&call, elements);
    call.WaitUntilDone();
    ExpectWholeTensor(call, elements);
  }
}

TEST_F(MessageStreamTest,
       SourceThatFailsEndsTheCallWithItsErrorAfterWhatItMade) {
  constexpr auto kQuick = MessageSource::Effort::kQuick;
  constexpr auto kSlow = MessageSource::Effort::kSlow;
  const std::vector<std::vector<MessageSource::Effort>> sources = {
      {kQuick}, {kSlow}, {kSlow, kQuick}, {kQuick, kSlow, kSlow, kSlow, kSlow}};
  for (const auto completion : {FakeStreamCall::Completion::kLater,
                                FakeStreamCall::Completion::kBeforeReturn}) {
    for (const auto& efforts : sources) {
      FakeStreamCall call(completion, buffers_.get());
      Start(&call, std::make_unique<FailingSource>(efforts));
      call.WaitUntilDone();
      EXPECT_EQ(call.code(), grpc::StatusCode::INVALID_ARGUMENT);
      EXPECT_EQ(call.parts().size(), efforts.size() - 1);
      EXPECT_EQ(observer_.events().back(),
                efforts.size() == 1 ? "refusal" : "INVALID_ARGUMENT");
    }
  }
}

TEST_F(MessageStreamTest, StreamWhoseClientDoesNotReadIsEndedAfterItsTime) {
  StreamWatch watch({/*write_stall=*/absl::Milliseconds(40)});
  // The first message, one in the middle, and the last one.
  for (const auto& efforts : std::vector<std::vector<MessageSource::Effort>>{
           std::vector<MessageSource::Effort>(9, MessageSource::Effort::kSlow),
           {MessageSource::Effort::kQuick}}) {
    FakeStreamCall call(FakeStreamCall::Completion::kNever, buffers_.get());
    Start(&call, std::make_unique<CountingSource>(efforts), &watch);
    call.WaitUntilDone();
    if (efforts.size() == 1) continue;  // The stand-in takes a last message.
    EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
    EXPECT_EQ(observer_.events().back(), "DEADLINE_EXCEEDED");
  }
}

TEST_F(MessageStreamTest, StalledStreamsAreCounted) {
  StreamWatch watch({/*write_stall=*/absl::Seconds(2)});
  FakeStreamCall call(FakeStreamCall::Completion::kNever, buffers_.get());
  Start(&call,
        std::make_unique<CountingSource>(std::vector<MessageSource::Effort>(
            9, MessageSource::Effort::kSlow)),
        &watch);
  while (watch.stalled() == 0) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_EQ(watch.stalled(), 1);
  call.CancelAfter(1);
  call.FailWrite();
  call.WaitUntilDone();
  while (watch.stalled() != 0) absl::SleepFor(absl::Milliseconds(5));
}

TEST_F(MessageStreamTest, StreamIsEndedAfterItsLongestLife) {
  StreamWatch watch({absl::Seconds(60), /*life=*/absl::Milliseconds(20)});
  FakeStreamCall call(FakeStreamCall::Completion::kLater, buffers_.get());
  Start(&call, std::make_unique<EndlessSource>(), &watch);
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(observer_.events().back(), "UNAVAILABLE");
}

TEST_F(MessageStreamTest, SourceWithoutMemoryEndsItsStreamAlone) {
  FakeStreamCall call(FakeStreamCall::Completion::kLater, buffers_.get());
  Start(&call, std::make_unique<HungrySource>());
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(MessageStreamTest, StreamsThatPrepareLeaveTheThreadsToOthers) {
  std::atomic<bool> prepared{false};
  FakeStreamCall first(FakeStreamCall::Completion::kLater, buffers_.get());
  FakeStreamCall second(FakeStreamCall::Completion::kLater, buffers_.get());
  FakeStreamCall other(FakeStreamCall::Completion::kLater, buffers_.get());
  // As many as there are threads.
  Start(&first, std::make_unique<PreparedSource>(&prepared));
  Start(&second, std::make_unique<PreparedSource>(&prepared));
  Start(&other, 1000);
  other.WaitUntilDone();
  ExpectWholeTensor(other, 1000);
  prepared = true;
  for (FakeStreamCall* call : {&first, &second}) {
    call->WaitUntilDone();
    EXPECT_EQ(call->code(), grpc::StatusCode::OK);
    EXPECT_THAT(call->parts(), SizeIs(1));
  }
}

TEST_F(MessageStreamTest, CancellationEndsAStreamThatPrepares) {
  const std::atomic<bool> never{false};
  FakeStreamCall call(FakeStreamCall::Completion::kLater, buffers_.get());
  Start(&call, std::make_unique<PreparedSource>(&never));
  call.CancelAfter(0);
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
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
  for (const auto completion : {FakeStreamCall::Completion::kLater,
                                FakeStreamCall::Completion::kBeforeReturn}) {
    for (const auto& efforts : sources) {
      FakeStreamCall call(completion, buffers_.get());
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
  FakeStreamCall call(FakeStreamCall::Completion::kLater, buffers_.get());
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
  FakeStreamCall call(FakeStreamCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_THAT(observer_.events(), ElementsAre("CANCELLED"));
}

TEST_F(MessageStreamTest, FailedWriteEndsTheStream) {
  FakeStreamCall call(FakeStreamCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(call.parts(), SizeIs(1));
}

TEST_F(MessageStreamTest, CancelledStreamEndsWithItsWrite) {
  FakeStreamCall call(FakeStreamCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.CancelAfter(1);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_EQ(call.code(), grpc::StatusCode::CANCELLED);
}

TEST_F(MessageStreamTest, CancellationAtAnyMomentEndsTheStreamOnce) {
  constexpr int64_t kElements = 160;
  constexpr size_t kParts = 12;
  for (const auto completion : {FakeStreamCall::Completion::kLater,
                                FakeStreamCall::Completion::kBeforeReturn}) {
    for (size_t parts = 0; parts <= kParts; ++parts) {
      for (int repetition = 0; repetition < 20; ++repetition) {
        FakeStreamCall call(completion, buffers_.get());
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
