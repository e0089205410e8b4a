// weightinit-bench-peer-server: what gRPC can carry at all.
//
// Answers InitializeTensor with the header of the tensor asked for, as many
// bytes as it has in chunks of the size asked for, and a trailer. The chunks
// are one message, sent over and over: nothing is computed, copied or summed up
// per stream, and so first_element and crc32 of a chunk are absent. Prints
// "weightinit-bench-peer-server listening on HOST:PORT" and serves until its
// standard input ends.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/server_callback.h"
#include "proto/cpp/status_conversion.h"
#include "server/convert.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit::bench {
namespace {

// What all chunks are made of: one buffer, which nothing writes to any more.
absl::Span<const uint8_t> Payload() {
  static const auto& payload =
      *new std::vector<uint8_t>(static_cast<size_t>(kMaxChunkBytes), 0x3f);
  return payload;
}

// The messages of one stream, encoded once. Immutable, shared by streams.
struct Answer {
  grpc::ByteBuffer header;
  grpc::ByteBuffer chunk;
  grpc::ByteBuffer last_chunk;  // Perhaps shorter.
  int64_t chunks = 0;           // The last one included.
  grpc::ByteBuffer trailer;
};

grpc::ByteBuffer ConstantChunk(int64_t bytes) {
  const auto payload = Payload().first(static_cast<size_t>(bytes));
  v1::InitializeTensorResponse response;
  response.mutable_chunk()->set_data(payload.data(), payload.size());
  const std::string serialized = response.SerializeAsString();
  // The payload comes last; what stands before it is a slice of its own.
  const std::array<grpc::Slice, 2> slices = {
      grpc::Slice(serialized.data(), serialized.size() - payload.size()),
      grpc::Slice(payload.data(), payload.size(), grpc::Slice::STATIC_SLICE)};
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::shared_ptr<const Answer> Encode(const TensorPlan& plan) {
  auto answer = std::make_shared<Answer>();
  answer->header = SerializeHeader(plan);
  answer->trailer = SerializeTrailer(plan.elements, plan.bytes, 0);
  if (plan.bytes == 0) return answer;
  const int64_t chunk_bytes = plan.chunk_elements * DtypeBytes(plan.dtype);
  answer->chunks = (plan.bytes + chunk_bytes - 1) / chunk_bytes;
  if (answer->chunks > 1) answer->chunk = ConstantChunk(chunk_bytes);
  answer->last_chunk =
      ConstantChunk(plan.bytes - (answer->chunks - 1) * chunk_bytes);
  return answer;
}

// The answers given so far, by serialized request: those of one run are few.
// Thread-safe.
class Answers {
 public:
  absl::StatusOr<std::shared_ptr<const Answer>> Find(
      const grpc::ByteBuffer& request) {
    grpc::Slice slice;
    if (!request.DumpToSingleSlice(&slice).ok()) {
      return absl::InternalError("the request cannot be read");
    }
    const std::string_view key(reinterpret_cast<const char*>(slice.begin()),
                               slice.size());
    const absl::MutexLock lock(&mutex_);
    const auto found = answers_.find(key);
    if (found != answers_.end()) return found->second;
    const auto plan = PlanInitializeTensor(request, Limits());
    if (!plan.ok()) return plan.status();
    return answers_.emplace(key, Encode(*plan)).first->second;
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Answer>, std::less<>> answers_
      ABSL_GUARDED_BY(mutex_);
};

// Writes an answer; each completion starts the next write. Owns itself.
class ConstantStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit ConstantStream(std::shared_ptr<const Answer> answer)
      : answer_(std::move(answer)) {
    StartWrite(&answer_->header);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
    } else if (sent_ == answer_->chunks) {
      StartWriteAndFinish(&answer_->trailer, grpc::WriteOptions(),
                          grpc::Status::OK);
    } else if (++sent_ == answer_->chunks) {
      StartWrite(&answer_->last_chunk);
    } else {
      StartWrite(&answer_->chunk);
    }
  }

  void OnDone() override { delete this; }

 private:
  const std::shared_ptr<const Answer> answer_;
  int64_t sent_ = 0;
};

class Refusal final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

class PeerService final
    : public v1::WeightInitService::WithRawCallbackMethod_InitializeTensor<
          v1::WeightInitService::Service> {
 public:
  grpc::ServerWriteReactor<grpc::ByteBuffer>* InitializeTensor(
      grpc::CallbackServerContext* /*context*/,
      const grpc::ByteBuffer* request) override {
    auto answer = answers_.Find(*request);
    if (!answer.ok()) return new Refusal(answer.status());
    return new ConstantStream(*std::move(answer));
  }

 private:
  Answers answers_;
};

int Main() {
  PeerService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) {
    std::cerr << "weightinit-bench-peer-server: cannot listen\n";
    return 1;
  }
  std::cout << "weightinit-bench-peer-server listening on 127.0.0.1:" << port
            << "\n"
            << std::flush;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
  return 0;
}

}  // namespace
}  // namespace weightinit::bench

int main() { return weightinit::bench::Main(); }
