// Collects what is wrong with a request.

#ifndef WEIGHTINIT_CORE_PLAN_VIOLATION_LIST_H_
#define WEIGHTINIT_CORE_PLAN_VIOLATION_LIST_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "weightinit/core/violations.h"

namespace weightinit {

using ViolationList = std::vector<Violation>;

// Adds one violation; its description is the concatenation of `parts`.
template <typename... Parts>
void AddViolation(ViolationList& list, std::string field,
                  const Parts&... parts) {
  list.push_back({std::move(field), absl::StrCat(parts...)});
}

// "a, b or c".
inline std::string AnyOf(std::vector<std::string> names) {
  if (names.empty()) return "";
  const std::string last = std::move(names.back());
  names.pop_back();
  return names.empty() ? last
                       : absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_VIOLATION_LIST_H_
