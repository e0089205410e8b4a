// Which random stream a tensor draws from.

#ifndef WEIGHTINIT_CORE_RANDOM_STREAM_KEY_H_
#define WEIGHTINIT_CORE_RANDOM_STREAM_KEY_H_

#include <cstdint>
#include <string_view>

#include "weightinit/core/plan.h"

namespace weightinit {

// The first 16 bytes of SHA-256 over
//   "weightinit.philox4x32_v1" 0x00 | seed, 8 bytes | length, 8 bytes | name,
// integers little-endian; bytes 0..7 are the key, bytes 8..15 the stream.
// core/DETERMINISM.md, "Key and stream", has a worked example.
StreamKey DeriveStreamKey(uint64_t seed, std::string_view name);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_STREAM_KEY_H_
