// Between the bytes of a fuzzer and messages of gRPC.

#ifndef WEIGHTINIT_TESTS_FUZZ_WIRE_H_
#define WEIGHTINIT_TESTS_FUZZ_WIRE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace weightinit::fuzz {

// One message in one slice.
inline grpc::ByteBuffer BufferOf(absl::Span<const uint8_t> bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return {&slice, 1};
}

// Cuts off the front of `rest` what the two bytes at its start say, as much as
// there is: the length of a message, less one; the highest bit cuts the message
// into two slices.
inline grpc::ByteBuffer TakeMessage(absl::Span<const uint8_t>& rest) {
  constexpr size_t kPrefix = 2;
  if (rest.size() < kPrefix) {
    rest = {};
    return BufferOf({});
  }
  const size_t word = rest[0] | static_cast<size_t>(rest[1]) << 8U;
  rest.remove_prefix(kPrefix);
  const size_t size = std::min(rest.size(), (word & 0x7fffU) + 1);
  const absl::Span<const uint8_t> message = rest.first(size);
  rest.remove_prefix(size);
  if ((word & 0x8000U) == 0) return BufferOf(message);
  const grpc::Slice slices[] = {
      grpc::Slice(message.data(), size / 2),
      grpc::Slice(message.data() + size / 2, size - size / 2)};
  return {slices, 2};
}

}  // namespace weightinit::fuzz

#endif  // WEIGHTINIT_TESTS_FUZZ_WIRE_H_
