// CRC-32, which chunks and trailers carry.

#ifndef WEIGHTINIT_PROTO_CPP_CRC32_H_
#define WEIGHTINIT_PROTO_CPP_CRC32_H_

#include <cstdint>

#include "absl/types/span.h"

namespace weightinit {

// CRC-32 (zlib's polynomial 0xEDB88320) of the bytes whose CRC-32 so far is
// `crc` (0 for none) followed by `data`.
uint32_t ExtendCrc32(uint32_t crc, absl::Span<const uint8_t> data);

// CRC-32 of A followed by B, from the CRC-32 of A, that of B and the length of
// B.
uint32_t ConcatCrc32(uint32_t crc_a, uint32_t crc_b, int64_t bytes_b);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_CRC32_H_
