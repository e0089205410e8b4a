// Checksums of byte streams.

#ifndef WEIGHTINIT_CORE_CHECKSUM_H_
#define WEIGHTINIT_CORE_CHECKSUM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"

namespace weightinit {

// CRC-32 (zlib's polynomial 0xEDB88320) of the bytes whose CRC-32 so far is
// `crc` (0 for none) followed by `data`.
uint32_t ExtendCrc32(uint32_t crc, absl::Span<const uint8_t> data);

// CRC-32 of A followed by B, from the CRC-32 of A, that of B and the length of
// B.
uint32_t ConcatCrc32(uint32_t crc_a, uint32_t crc_b, int64_t bytes_b);

// SHA-256 of a stream (OpenSSL). Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(absl::Span<const uint8_t> data);

  // The digest of all data so far, 64 lower-case hex digits. Call it once,
  // last.
  std::string HexDigest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_CHECKSUM_H_
