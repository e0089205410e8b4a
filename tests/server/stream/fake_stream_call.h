// A call that a MessageStream answers in a test.

#ifndef WEIGHTINIT_TESTS_SERVER_STREAM_FAKE_STREAM_CALL_H_
#define WEIGHTINIT_TESTS_SERVER_STREAM_FAKE_STREAM_CALL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "server/stream/buffer_pool.h"
#include "server/stream/message_stream.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// Stands in for gRPC's side of the call. As there, OnDone comes when the stream
// has been bound, the call finished and every reaction returned.
class FakeStreamCall final : public StreamCall {
 public:
  enum class Completion {
    kLater,         // A write completes on another thread.
    kBeforeReturn,  // Likewise, and before the call that started it returns.
    kNever,         // Only FailWrite completes a write.
  };

  FakeStreamCall(Completion completion, const BufferPool* buffers)
      : completion_(completion),
        buffers_(buffers),
        completer_([this] { Complete(); }) {}

  ~FakeStreamCall() {
    {
      const absl::MutexLock lock(&mutex_);
      stopping_ = true;
      changed_.SignalAll();
    }
    completer_.join();
    if (canceller_.joinable()) canceller_.join();
  }

  FakeStreamCall(const FakeStreamCall&) = delete;
  FakeStreamCall& operator=(const FakeStreamCall&) = delete;

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
  const std::vector<v1::InitializeTensorResponse>& parts() const
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
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

  void FinishWithError(const absl::Status& error) override {
    Finish(static_cast<grpc::StatusCode>(error.code()));
  }

  // On another thread, as gRPC does it; a write in flight fails then.
  void Cancel() override {
    {
      const absl::MutexLock lock(&mutex_);
      ++references_;
    }
    canceller_ = std::thread([this] {
      stream_->OnCancel();
      bool fail = false;
      {
        const absl::MutexLock lock(&mutex_);
        fail = std::exchange(write_in_flight_, false);
      }
      if (fail) {
        stream_->OnWriteDone(false);
        Unref();
      }
      Unref();
    });
  }

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
  std::vector<v1::InitializeTensorResponse> parts_ ABSL_GUARDED_BY(mutex_);
  grpc::StatusCode code_ ABSL_GUARDED_BY(mutex_) = grpc::StatusCode::UNKNOWN;
  int64_t most_buffers_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread canceller_;
  std::thread completer_;  // Last, since it uses the others.
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_SERVER_STREAM_FAKE_STREAM_CALL_H_
