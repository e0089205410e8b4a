// Between the bytes of a call and the core. Nothing else in the server knows
// both; its callers see wire buffers on one side and core types on the other.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_SERVER_CONVERT_H_
#define WEIGHTINIT_SERVER_CONVERT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/plan.h"

namespace weightinit {

// The plan of a serialized request. INVALID_ARGUMENT carries every violation,
// also that of a request that cannot be parsed; OUT_OF_RANGE: first_element is
// past the end, or element_count reaches past it.
absl::StatusOr<TensorPlan> PlanInitializeTensor(const grpc::ByteBuffer& request,
                                                const Limits& limits);
absl::StatusOr<TensorPlan> PlanDescribeTensor(const grpc::ByteBuffer& request,
                                              const Limits& limits);

// A serialized DescribeTensorResponse.
grpc::ByteBuffer SerializeDescription(const TensorPlan& plan);

// A serialized InitializeTensorResponse{header}.
grpc::ByteBuffer SerializeHeader(const TensorPlan& plan);

// A serialized InitializeTensorResponse{trailer}; `crc32` is of all bytes sent.
grpc::ByteBuffer SerializeTrailer(int64_t elements, int64_t bytes,
                                  uint32_t crc32);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_CONVERT_H_
