#include "core/random/stream_key.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "weightinit/core/sha256.h"

namespace weightinit {
namespace {

// With its terminating NUL, which separates it from the seed.
constexpr char kDomain[] = "weightinit.philox4x32_v1";

void AppendLittleEndian(uint64_t value, std::string& bytes) {
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

uint64_t LoadLittleEndian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

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
