// Names of tensors: indices in them, and how they are joined.

#ifndef WEIGHTINIT_CORE_MODEL_NAME_PATTERN_H_
#define WEIGHTINIT_CORE_MODEL_NAME_PATTERN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weightinit {

// An index of a repetition, at its present value.
struct IndexValue {
  std::string_view name;
  int64_t value;
};

// `name` with "{i}" replaced by the index i in decimal. INVALID_ARGUMENT says
// what is wrong: an index that is not there, or a brace without its other.
absl::StatusOr<std::string> FillIndices(std::string_view name,
                                        const std::vector<IndexValue>& indices);

// `inner` behind `outer`, with a dot between unless one is empty.
std::string JoinNames(std::string_view outer, std::string_view inner);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_NAME_PATTERN_H_
