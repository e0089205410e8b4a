#include "core/model/name_pattern.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "weightinit/core/name_pattern.h"

namespace weightinit {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// The bytes of the character at the front of `text`, which is not empty.
size_t CharacterBytes(std::string_view text) {
  size_t n = 1;
  while (n < text.size() &&
         (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) {
    ++n;
  }
  return n;
}

}  // namespace

bool MatchesPattern(std::string_view pattern, std::string_view name) {
  // Where to go on when the text behind the last "*" does not match: one
  // character further. An earlier "*" need not be tried again.
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_name = n;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      n += CharacterBytes(name.substr(n));
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star;
      star_name += CharacterBytes(name.substr(star_name));
      n = star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

absl::StatusOr<std::string> FillIndices(
    std::string_view name, const std::vector<IndexValue>& indices) {
  std::string filled;
  while (!name.empty()) {
    const size_t brace = name.find_first_of("{}");
    filled.append(name.substr(0, brace));
    if (brace == std::string_view::npos) break;
    const size_t end = name.find('}', brace);
    if (name[brace] == '}' || end == std::string_view::npos) {
      return absl::InvalidArgumentError(
          "has a brace without its other; \"{i}\" stands for the index i");
    }
    const std::string_view index = name.substr(brace + 1, end - brace - 1);
    const IndexValue* found = nullptr;
    for (const IndexValue& candidate : indices) {
      if (candidate.name == index) found = &candidate;
    }
    if (found == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("has \"{", View(index),
                       "}\", which is no index of a repetition here"));
    }
    absl::StrAppend(&filled, found->value);
    name.remove_prefix(end + 1);
  }
  return filled;
}

std::string JoinNames(std::string_view outer, std::string_view inner) {
  return absl::StrCat(View(outer), outer.empty() || inner.empty() ? "" : ".",
                      View(inner));
}

}  // namespace weightinit
