#include "proto/cpp/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weightinit {
namespace {

// How many characters to insert, remove or replace to make `b` of `a`.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Nearest(absl::string_view text,
                    const std::vector<std::string>& names) {
  constexpr size_t kLongest = 60;
  if (text.size() > kLongest) return "";
  std::string nearest;
  // A third of the characters may differ.
  size_t least = std::max(text.size() / 3, size_t{1}) + 1;
  for (const std::string& name : names) {
    const size_t distance = Distance(text, name);
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace weightinit
