// UTF-8, which names are written in.

#ifndef WEIGHTINIT_CORE_UTF8_H_
#define WEIGHTINIT_CORE_UTF8_H_

#include <string_view>

namespace weightinit {

// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
bool IsUtf8(std::string_view text);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_UTF8_H_
