#include "weightinit/core/utf8.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weightinit {

bool IsUtf8(std::string_view text) {
  const auto byte = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  for (size_t i = 0; i < text.size();) {
    const uint32_t lead = byte(i);
    size_t length = 1;
    uint32_t lowest = 0;
    uint32_t code = lead;
    if (lead >= 0xF0 && lead < 0xF8) {
      length = 4, lowest = 0x10000, code = lead & 0x07;
    } else if (lead >= 0xE0 && lead < 0xF0) {
      length = 3, lowest = 0x800, code = lead & 0x0F;
    } else if (lead >= 0xC0 && lead < 0xE0) {
      length = 2, lowest = 0x80, code = lead & 0x1F;
    } else if (lead >= 0x80) {
      return false;
    }
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
      code = code << 6 | (byte(i + k) & 0x3F);
    }
    if (code < lowest || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      return false;
    }
    i += length;
  }
  return true;
}

}  // namespace weightinit
