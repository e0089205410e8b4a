#include "core/random/stream_key.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/random/little_endian.h"
#include "weightinit/core/sha256.h"

namespace weightinit {
namespace {

// With its terminating NUL, which separates it from the seed.
constexpr char kDomain[] = "weightinit.philox4x32_v1";

}  // namespace

StreamKey DeriveStreamKey(uint64_t seed, std::string_view name) {
  std::string message(kDomain, sizeof(kDomain));
  AppendLittleEndian(seed, message);
  AppendLittleEndian(name.size(), message);
  message.append(name);
  const std::array<uint8_t, 32> digest = Sha256Of(
      {reinterpret_cast<const uint8_t*>(message.data()), message.size()});
  return {LoadLittleEndian(digest.data()), LoadLittleEndian(&digest[8])};
}

}  // namespace weightinit
