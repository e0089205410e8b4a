// Many small requests at once.

#ifndef WEIGHTINIT_TESTS_BENCH_SMALL_REQUESTS_H_
#define WEIGHTINIT_TESTS_BENCH_SMALL_REQUESTS_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

namespace weightinit::bench {

// Calls InitializeTensor `count` times on one connection, `in_flight` calls at
// a time: each that ends starts the next. Returns the bytes of payload received
// when all have ended; the first error, if any call failed.
absl::StatusOr<int64_t> CallRepeatedly(
    const std::shared_ptr<grpc::Channel>& channel,
    const grpc::ByteBuffer& request, int count, int in_flight);

}  // namespace weightinit::bench

#endif  // WEIGHTINIT_TESTS_BENCH_SMALL_REQUESTS_H_
