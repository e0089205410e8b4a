// Streams received as fast as gRPC's C++ API can: no message object, no check.

#ifndef WEIGHTINIT_TESTS_BENCH_RAW_STREAM_H_
#define WEIGHTINIT_TESTS_BENCH_RAW_STREAM_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "grpcpp/grpcpp.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::bench {

using Clock = std::chrono::steady_clock;

inline double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// InitializeTensor, with messages as they are on the wire.
extern const char* const kInitializeTensorMethod;

// A connection that no other channel of the process shares.
std::shared_ptr<grpc::Channel> ConnectAlone(const std::string& address);

grpc::ByteBuffer Serialize(const v1::InitializeTensorRequest& request);

// Copies the payload of a serialized InitializeTensorResponse to the front of
// `destination`, each byte once, and returns its size; 0 if it is no chunk.
// DATA_LOSS: it cannot be parsed. OUT_OF_RANGE: the payload is larger than
// `destination`. Does not check what the message says of itself.
absl::StatusOr<int64_t> CopyPayload(grpc::ByteBuffer* message,
                                    absl::Span<uint8_t> destination);

struct RawDelivery {
  int64_t chunks = 0;
  int64_t bytes = 0;
};

// Receives one stream on the calling thread. Payloads follow each other in
// `destination`; one that does not fit into the rest of it goes to its front.
// `on_first_chunk`, if any, is called when the first payload has been copied.
absl::StatusOr<RawDelivery> ReceiveRaw(
    const std::shared_ptr<grpc::Channel>& channel,
    const grpc::ByteBuffer& request, absl::Span<uint8_t> destination,
    const std::function<void()>& on_first_chunk = nullptr);

// The error of a call, empty status if it went well.
absl::Status ToAbslStatus(const grpc::Status& status);

}  // namespace weightinit::bench

#endif  // WEIGHTINIT_TESTS_BENCH_RAW_STREAM_H_
