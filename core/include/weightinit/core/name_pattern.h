// Patterns that names of tensors match.

#ifndef WEIGHTINIT_CORE_NAME_PATTERN_H_
#define WEIGHTINIT_CORE_NAME_PATTERN_H_

#include <string_view>

namespace weightinit {

// Whether the whole `name` matches: "*" stands for any text, "?" for one
// character of UTF-8, any other character for itself.
bool MatchesPattern(std::string_view pattern, std::string_view name);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_NAME_PATTERN_H_
