// What a server of bad will answers to a request for a model: verified,
// delivered.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/model_consumer.h"
#include "grpcpp/support/byte_buffer.h"
#include "tests/fuzz/wire.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::fuzz {
namespace {

// The request of the seeds.
v1::InitializeModelRequest Request() {
  v1::InitializeModelRequest request;
  v1::ModelSpec& model = *request.mutable_model();
  model.set_version(1);
  v1::ModelEntry& dense = *model.add_entries();
  dense.set_name("fc");
  dense.mutable_dense()->set_in_features(9);
  dense.mutable_dense()->set_out_features(7);
  v1::ModelEntry& alias = *model.add_entries();
  alias.set_name("tied");
  alias.set_alias("fc.weight");
  request.set_chunk_bytes(64);
  return request;
}

// Stops where pieces are not what they should be.
class CheckingSink final : public ModelSink {
 public:
  absl::Status OnTensor(const v1::ModelTensor& /*tensor*/) override {
    bytes_ = 0;
    return absl::OkStatus();
  }
  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    if (offset != bytes_ || data.empty()) std::abort();
    bytes_ += static_cast<int64_t>(data.size());
    if (bytes_ > tensor.description().bytes()) std::abort();
    return absl::OkStatus();
  }
  absl::Status OnTensorEnd(const v1::ModelTensor& tensor,
                           uint32_t /*crc32*/) override {
    if (bytes_ != tensor.description().bytes()) std::abort();
    return absl::OkStatus();
  }

 private:
  int64_t bytes_ = 0;
};

void Try(absl::Span<const uint8_t> data) {
  static const v1::InitializeModelRequest request = Request();
  CheckingSink sink;
  ModelDelivery delivery;
  ModelConsumer consumer(request, sink, delivery);
  while (!data.empty()) {
    grpc::ByteBuffer message = TakeMessage(data);
    if (!consumer.OnMessage(message).ok()) return;
  }
  if (consumer.OnEnd().ok()) return;
  RestOf(request, delivery);
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({data, size});
  return 0;
}
