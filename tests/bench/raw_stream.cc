#include "tests/bench/raw_stream.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/message_stream_reader.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::bench {
namespace {

// The part of a tag that tells the type; the rest is the field's number.
constexpr int kWireTypeBits = 3;
constexpr int kCrc32Bytes = 4;

absl::Status Malformed() {
  return absl::DataLossError("a message is no InitializeTensorResponse");
}

// Positions `in` at the payload and returns its size; 0 if there is none.
absl::StatusOr<int64_t> FindPayload(
    google::protobuf::io::CodedInputStream* in) {
  uint32_t size = 0;
  uint64_t first_element = 0;
  const uint32_t part = in->ReadTag() >> kWireTypeBits;
  if (part == 0 || !in->ReadVarint32(&size)) return Malformed();
  if (part != v1::InitializeTensorResponse::kChunkFieldNumber) return 0;
  for (uint32_t tag = in->ReadTag(); tag != 0; tag = in->ReadTag()) {
    switch (tag >> kWireTypeBits) {
      case v1::TensorChunk::kFirstElementFieldNumber:
        if (!in->ReadVarint64(&first_element)) return Malformed();
        break;
      case v1::TensorChunk::kCrc32FieldNumber:
        if (!in->Skip(kCrc32Bytes)) return Malformed();
        break;
      case v1::TensorChunk::kDataFieldNumber:
        if (!in->ReadVarint32(&size)) return Malformed();
        return size;
      default:
        return Malformed();
    }
  }
  return Malformed();
}

// Copies what comes, and checks nothing.
class PayloadCopier final : public MessageConsumer {
 public:
  PayloadCopier(absl::Span<uint8_t> destination,
                const std::function<void()>& on_first_chunk)
      : destination_(destination),
        rest_(destination),
        on_first_chunk_(on_first_chunk) {}

  absl::Status OnMessage(grpc::ByteBuffer& message) override {
    auto size = CopyPayload(&message, rest_);
    if (absl::IsOutOfRange(size.status())) {
      rest_ = destination_;
      size = CopyPayload(&message, rest_);
    }
    if (!size.ok() || *size == 0) return size.status();
    rest_.remove_prefix(static_cast<size_t>(*size));
    delivery_.bytes += *size;
    if (delivery_.chunks++ == 0 && on_first_chunk_) on_first_chunk_();
    return absl::OkStatus();
  }

  absl::Status OnEnd() override { return absl::OkStatus(); }

  const RawDelivery& delivery() const { return delivery_; }

 private:
  const absl::Span<uint8_t> destination_;
  absl::Span<uint8_t> rest_;
  const std::function<void()>& on_first_chunk_;
  RawDelivery delivery_;
};

}  // namespace

const char* const kInitializeTensorMethod =
    "/weightinit.v1.WeightInitService/InitializeTensor";

std::shared_ptr<grpc::Channel> ConnectAlone(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

grpc::ByteBuffer Serialize(const v1::InitializeTensorRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return {&slice, 1};
}

absl::StatusOr<int64_t> CopyPayload(grpc::ByteBuffer* message,
                                    absl::Span<uint8_t> destination) {
  // Reads gRPC's slices where they are.
  grpc::ProtoBufferReader slices(message);
  google::protobuf::io::CodedInputStream in(&slices);
  auto size = FindPayload(&in);
  if (!size.ok() || *size == 0) return size;
  if (static_cast<size_t>(*size) > destination.size()) {
    return absl::OutOfRangeError("a chunk is larger than the memory for it");
  }
  if (!in.ReadRaw(destination.data(), static_cast<int>(*size))) {
    return Malformed();
  }
  return size;
}

absl::StatusOr<RawDelivery> ReceiveRaw(
    const std::shared_ptr<grpc::Channel>& channel,
    const grpc::ByteBuffer& request, absl::Span<uint8_t> destination,
    const std::function<void()>& on_first_chunk) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  PayloadCopier copier(destination, on_first_chunk);
  const StreamEnd end = ReadMessages(stub, kInitializeTensorMethod, request,
                                     context, copier, absl::InfiniteDuration());
  if (!end.consumer.ok()) return end.consumer;
  if (!end.server.ok()) return ToAbslStatus(end.server);
  return copier.delivery();
}

absl::Status ToAbslStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace weightinit::bench
