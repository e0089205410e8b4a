// SHA-256.

#ifndef WEIGHTINIT_CORE_SHA256_H_
#define WEIGHTINIT_CORE_SHA256_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"

namespace weightinit {

// SHA-256 of `data`.
std::array<uint8_t, 32> Sha256Of(absl::Span<const uint8_t> data);

// SHA-256 of a stream of bytes (OpenSSL). Not thread-safe.
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

#endif  // WEIGHTINIT_CORE_SHA256_H_
