// One stream against a stand-in for gRPC that completes writes in every order
// that gRPC may. Sanitizers see all of it, which they do not of the packaged
// gRPC.

#include "server/tensor_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/buffer_pool.h"
#include "server/generator_pool.h"
#include "server/stream_admission.h"
#include "weightinit/core/checksum.h"
#include "weightinit/core/resolve.h"
#include "weightinit/core/tensor_reader.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

using Part = v1::InitializeTensorResponse;
using ::testing::Le;
using ::testing::SizeIs;

// Stands in for gRPC's side of the call. As there, OnDone comes when the
// reactor has been bound, the call finished and every reaction returned.
class FakeCall final : public grpc::ServerCallbackWriter<grpc::ByteBuffer> {
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

  ~FakeCall() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    completer_.join();
  }

  // What gRPC does with the reactor that the handler returns.
  void Bind(TensorStream* stream) {
    stream_ = stream;
    BindReactor(stream);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      bound_ = true;
    }
    changed_.notify_all();
    Unref();
  }

  // Cancels the call once `parts` writes have been started.
  void CancelAfter(size_t parts) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return parts_.size() >= parts || finished_; });
      if (references_ == 0) return;  // It is over.
      ++references_;
    }
    stream_->OnCancel();
    Unref();
  }

  // Completes the write in flight as failed.
  void FailWrite() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ASSERT_TRUE(write_in_flight_);
      write_in_flight_ = false;
    }
    stream_->OnWriteDone(false);
    Unref();
  }

  void WaitUntilDone() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }

  // Call these when the stream is done.
  const std::vector<Part>& parts() const { return parts_; }
  const grpc::Status& status() const { return status_; }
  int64_t most_buffers() const { return most_buffers_; }

  void Write(const grpc::ByteBuffer* message,
             grpc::WriteOptions /*options*/) override {
    bool complete_here = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      EXPECT_FALSE(write_in_flight_) << "two writes at once";
      EXPECT_FALSE(finished_) << "a write after the end";
      ++references_;
      Record(*message);
      write_in_flight_ = true;
      complete_here = bound_ && completion_ == Completion::kBeforeReturn;
      if (complete_here) write_in_flight_ = false;
      // Under the mutex, because the end of this write may be that of the test.
      changed_.notify_all();
    }
    if (complete_here) {
      std::thread([this] {
        stream_->OnWriteDone(true);
        Unref();
      }).join();
    }
  }

  void WriteAndFinish(const grpc::ByteBuffer* message,
                      grpc::WriteOptions /*options*/,
                      grpc::Status status) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      EXPECT_FALSE(write_in_flight_) << "two writes at once";
      Record(*message);
    }
    Finish(std::move(status));
  }

  void Finish(grpc::Status status) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      EXPECT_FALSE(finished_) << "finished twice";
      finished_ = true;
      status_ = std::move(status);
      changed_.notify_all();
    }
    Unref();
  }

  void SendInitialMetadata() override {}

 private:
  grpc::internal::ServerReactor* reactor() override { return stream_; }
  void CallOnDone() override {}

  // REQUIRES: mutex_ is held.
  void Record(const grpc::ByteBuffer& message) {
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
      std::lock_guard<std::mutex> lock(mutex_);
      if (--references_ > 0) return;
    }
    stream_->OnDone();
    // Under the mutex, because who waits may destroy this object.
    std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

  // On the completer's thread.
  void Complete() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] {
        return stopping_ || (write_in_flight_ && bound_ &&
                             completion_ != Completion::kNever);
      });
      if (stopping_) return;
      write_in_flight_ = false;
      lock.unlock();
      stream_->OnWriteDone(true);
      Unref();
      lock.lock();
    }
  }

  const Completion completion_;
  const BufferPool* const buffers_;
  TensorStream* stream_ = nullptr;  // Set before anything is called back.

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  int references_ = 2;  // The binding and the finish.
  bool bound_ = false;
  bool write_in_flight_ = false;
  bool finished_ = false;
  bool done_ = false;
  bool stopping_ = false;
  std::vector<Part> parts_;
  grpc::Status status_;
  int64_t most_buffers_ = 0;

  std::thread completer_;  // Last, since it uses the others.
};

// What streams need, and what must be left when they are done.
class TensorStreamTest : public ::testing::Test {
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
    auto ticket = admission_.Admit();
    ASSERT_TRUE(ticket.ok()) << ticket.status();
    call->Bind(TensorStream::Start(Plan(elements), *std::move(ticket),
                                   &generators_, buffers_));
  }

  void TearDown() override {
    EXPECT_EQ(admission_.active(), 0);
    EXPECT_TRUE(admission_.WaitUntilIdle(absl::Now()));
    EXPECT_EQ(buffers_->in_use(), 0);
  }

  const std::shared_ptr<BufferPool> buffers_ = BufferPool::Create(1 << 20);
  StreamAdmission admission_{1};
  GeneratorPool generators_{2};
};

void ExpectWholeTensor(const FakeCall& call, int64_t elements) {
  EXPECT_TRUE(call.status().ok());
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

TEST_F(TensorStreamTest, WritesThatCompleteLaterDeliverTheWholeTensor) {
  for (int64_t elements : {0, 1, 16, 17, 1000}) {
    FakeCall call(FakeCall::Completion::kLater, buffers_.get());
    Start(&call, elements);
    call.WaitUntilDone();
    ExpectWholeTensor(call, elements);
    EXPECT_THAT(call.most_buffers(), Le(TensorStream::kMaxChunks));
  }
}

TEST_F(TensorStreamTest, WriteMayCompleteBeforeTheCallThatStartedItReturns) {
  for (int64_t elements : {0, 1, 16, 17, 1000}) {
    FakeCall call(FakeCall::Completion::kBeforeReturn, buffers_.get());
    Start(&call, elements);
    call.WaitUntilDone();
    ExpectWholeTensor(call, elements);
  }
}

TEST_F(TensorStreamTest, FailedWriteEndsTheStream) {
  FakeCall call(FakeCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_EQ(call.status().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(call.parts(), SizeIs(1));
}

TEST_F(TensorStreamTest, CancelledStreamEndsWithItsWrite) {
  FakeCall call(FakeCall::Completion::kNever, buffers_.get());
  Start(&call, 1000);
  call.CancelAfter(1);
  call.FailWrite();
  call.WaitUntilDone();
  EXPECT_EQ(call.status().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(TensorStreamTest, CancellationAtAnyMomentEndsTheStreamOnce) {
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
        if (call.status().ok()) {
          ExpectWholeTensor(call, kElements);
        } else {
          EXPECT_EQ(call.status().error_code(), grpc::StatusCode::CANCELLED);
        }
      }
    }
  }
}

}  // namespace
}  // namespace weightinit
