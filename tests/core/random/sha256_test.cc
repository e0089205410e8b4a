#include "weightinit/core/sha256.h"

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

absl::Span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Sha256Test, GivesTheKnownDigestWhateverTheCuts) {
  constexpr std::string_view kDigest =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  Sha256 whole;
  whole.Update(Bytes("abc"));
  EXPECT_EQ(whole.HexDigest(), kDigest);
  Sha256 parts;
  parts.Update(Bytes("a"));
  parts.Update(Bytes(""));
  parts.Update(Bytes("bc"));
  EXPECT_EQ(parts.HexDigest(), kDigest);
}

}  // namespace
}  // namespace weightinit
