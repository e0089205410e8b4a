// A WeightInitService that sends what a test tells it to.

#ifndef WEIGHTINIT_TESTS_CLIENT_CPP_FAKE_SERVICE_H_
#define WEIGHTINIT_TESTS_CLIENT_CPP_FAKE_SERVICE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "proto/cpp/crc32.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {

// A stream before it is sent: at first a correct one, for a script to change.
struct FakeStream {
  v1::InitializeTensorRequest request;
  std::vector<v1::InitializeTensorResponse> parts;
  // What the stream ends with.
  grpc::Status status;
  // If set: called when all parts are sent, before the stream ends.
  std::function<void()> before_end;

  v1::TensorDescription& description() {
    return *parts.front().mutable_header()->mutable_description();
  }
  v1::TensorChunk& chunk(size_t i) { return *parts.at(1 + i).mutable_chunk(); }
  v1::TensorTrailer& trailer() { return *parts.back().mutable_trailer(); }

  // Ends the stream after header and `chunks` chunks.
  void BreakAfter(size_t chunks, grpc::Status with) {
    parts.resize(1 + chunks);
    status = std::move(with);
  }
};

inline constexpr int64_t kFakeChunkElements = 16;
// Of large tensors, so that they do not take long.
inline constexpr int64_t kFakeLargeTensor = 1'000'000;
inline constexpr int64_t kFakeLargeChunkElements = 65'536;
// Of every name.
inline constexpr uint64_t kFakeNamedSeed = 99;

// Elements [first, last) of every tensor that the fake service knows: float32,
// each its own index.
inline std::string FakeData(int64_t first, int64_t last) {
  std::string data;
  for (int64_t i = first; i < last; ++i) {
    const auto value = static_cast<float>(i);
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(value));
    data.append(bytes, sizeof(value));
  }
  return data;
}

inline uint32_t FakeCrc32(const std::string& data) {
  return ExtendCrc32(
      0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(data.data()),
                             data.size()));
}

// Thread-safe.
class FakeService final : public v1::WeightInitService::Service {
 public:
  using Script = std::function<void(FakeStream&)>;

  // The first stream is changed by the first script and so on; streams after
  // the last script stay correct.
  explicit FakeService(std::vector<Script> scripts = {})
      : scripts_(std::move(scripts)) {}

  // The next `count` calls of any kind end with `status`.
  void RefuseNext(int count, grpc::Status status) {
    const absl::MutexLock lock(&mutex_);
    to_refuse_ = count;
    refusal_ = std::move(status);
  }

  // How many calls ended so.
  int refused() const {
    const absl::MutexLock lock(&mutex_);
    return refused_;
  }

  // All requests for a stream, in order of arrival, but those that were
  // refused.
  std::vector<v1::InitializeTensorRequest> requests() const {
    const absl::MutexLock lock(&mutex_);
    return requests_;
  }

  grpc::Status InitializeTensor(
      grpc::ServerContext*, const v1::InitializeTensorRequest* request,
      grpc::ServerWriter<v1::InitializeTensorResponse>* writer) override {
    if (grpc::Status status = Refusal(); !status.ok()) return status;
    FakeStream stream = CorrectStream(*request);
    Script script;
    {
      const absl::MutexLock lock(&mutex_);
      if (requests_.size() < scripts_.size()) {
        script = scripts_[requests_.size()];
      }
      requests_.push_back(*request);
    }
    if (script) script(stream);
    for (const v1::InitializeTensorResponse& part : stream.parts) {
      if (!writer->Write(part)) break;
    }
    if (stream.before_end) stream.before_end();
    return stream.status;
  }

  grpc::Status DescribeTensor(grpc::ServerContext*,
                              const v1::DescribeTensorRequest* request,
                              v1::DescribeTensorResponse* response) override {
    if (grpc::Status status = Refusal(); !status.ok()) return status;
    v1::InitializeTensorRequest same;
    if (!same.ParseFromString(request->SerializeAsString())) {
      return {grpc::INTERNAL, "the two requests differ in form"};
    }
    *response->mutable_description() = CorrectStream(same).description();
    return grpc::Status::OK;
  }

  grpc::Status ResolveSeed(grpc::ServerContext*,
                           const v1::ResolveSeedRequest* request,
                           v1::ResolveSeedResponse* response) override {
    if (grpc::Status status = Refusal(); !status.ok()) return status;
    response->set_seed(kFakeNamedSeed);
    response->set_seed_name(request->seed_name());
    return grpc::Status::OK;
  }

  grpc::Status GetServerInfo(grpc::ServerContext*,
                             const v1::GetServerInfoRequest*,
                             v1::GetServerInfoResponse* response) override {
    if (grpc::Status status = Refusal(); !status.ok()) return status;
    response->set_version("fake");
    return grpc::Status::OK;
  }

 private:
  grpc::Status Refusal() {
    const absl::MutexLock lock(&mutex_);
    if (to_refuse_ == 0) return grpc::Status::OK;
    --to_refuse_;
    ++refused_;
    return refusal_;
  }

  static FakeStream CorrectStream(const v1::InitializeTensorRequest& request) {
    FakeStream stream;
    stream.request = request;
    int64_t all = 1;
    for (const int64_t dimension : request.tensor().shape()) all *= dimension;
    const int64_t first = request.first_element();
    const int64_t total =
        request.has_element_count() ? first + request.element_count() : all;

    stream.parts.emplace_back();
    v1::TensorDescription& description = stream.description();
    description.set_name(request.tensor().name());
    *description.mutable_shape() = request.tensor().shape();
    *description.mutable_slice_shape() = request.tensor().shape();
    description.set_scheme(v1::SCHEME_NORMAL);
    description.set_dtype(v1::DTYPE_FLOAT32);
    description.set_layout(v1::LAYOUT_OUT_IN);
    description.set_generator(v1::GENERATOR_PHILOX4X32_V1);
    description.set_seed_name(request.seed_name());
    description.set_seed(request.seed_name().empty() ? request.seed()
                                                     : kFakeNamedSeed);
    description.set_stddev(1);
    description.set_tensor_elements(all);
    description.set_elements(total - first);
    description.set_bytes((total - first) * 4);

    const int64_t step =
        all < kFakeLargeTensor ? kFakeChunkElements : kFakeLargeChunkElements;
    for (int64_t at = first; at < total; at += step) {
      const std::string data = FakeData(at, std::min(at + step, total));
      v1::TensorChunk& chunk = *stream.parts.emplace_back().mutable_chunk();
      chunk.set_first_element(at);
      chunk.set_crc32(FakeCrc32(data));
      chunk.set_data(data);
    }

    v1::TensorTrailer& trailer = *stream.parts.emplace_back().mutable_trailer();
    trailer.set_elements(total - first);
    trailer.set_bytes((total - first) * 4);
    trailer.set_crc32(FakeCrc32(FakeData(first, total)));
    return stream;
  }

  const std::vector<Script> scripts_;
  mutable absl::Mutex mutex_;
  std::vector<v1::InitializeTensorRequest> requests_ ABSL_GUARDED_BY(mutex_);
  int to_refuse_ ABSL_GUARDED_BY(mutex_) = 0;
  int refused_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status refusal_ ABSL_GUARDED_BY(mutex_);
};

// A FakeService on a free port of 127.0.0.1.
class FakeServer {
 public:
  explicit FakeServer(std::vector<FakeService::Script> scripts = {})
      : service_(std::move(scripts)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  const FakeService& service() const { return service_; }
  FakeService& service() { return service_; }
  void Wait() { server_->Wait(); }

 private:
  FakeService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_CLIENT_CPP_FAKE_SERVICE_H_
