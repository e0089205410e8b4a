// What a server of bad will answers to a request for a tensor: decoded,
// verified, delivered. The decoder agrees with the generated code.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/types/span.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/fetch/response_decoder.h"
#include "client/cpp/fetch/tensor_consumer.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "tests/fuzz/wire.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::fuzz {
namespace {

using Part = v1::InitializeTensorResponse;

// The request of the seeds.
v1::InitializeTensorRequest Request() {
  v1::InitializeTensorRequest request;
  request.mutable_tensor()->set_name("w");
  request.mutable_tensor()->add_shape(100);
  request.set_chunk_bytes(128);
  return request;
}

void CheckDecoder(ResponseDecoder& decoder, grpc::ByteBuffer& message) {
  grpc::Slice bytes;
  Part expected;
  const bool valid =
      message.DumpToSingleSlice(&bytes).ok() &&
      expected.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()));
  if (decoder.Decode(message) != valid) std::abort();
  if (!valid) return;
  if (decoder.part_case() != expected.part_case()) std::abort();
  if (expected.has_chunk() &&
      (decoder.chunk().crc32 != expected.chunk().crc32() ||
       decoder.chunk().first_element != expected.chunk().first_element() ||
       static_cast<size_t>(decoder.chunk().bytes) !=
           expected.chunk().data().size())) {
    std::abort();
  }
}

void Try(absl::Span<const uint8_t> data) {
  static const v1::InitializeTensorRequest request = Request();
  std::array<uint8_t, 400> buffer{};
  BufferDestination destination(absl::MakeSpan(buffer));
  TensorDelivery delivery;
  TensorConsumer consumer(request, destination, delivery);
  ResponseDecoder decoder;
  bool goes_on = true;
  while (!data.empty()) {
    grpc::ByteBuffer message = TakeMessage(data);
    CheckDecoder(decoder, message);
    goes_on = goes_on && consumer.OnMessage(message).ok();
  }
  if (goes_on) consumer.OnEnd().IgnoreError();
  consumer.CloseStream();
}

}  // namespace
}  // namespace weightinit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weightinit::fuzz::Try({data, size});
  return 0;
}
