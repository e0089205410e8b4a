// Errors that name every field they are about.

#ifndef WEIGHTINIT_CORE_VIOLATIONS_H_
#define WEIGHTINIT_CORE_VIOLATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace weightinit {

// One violated field of a request.
struct Violation {
  // Path from the request, for example "tensor.shape[1]".
  std::string field;
  // The value and the allowed range, in English.
  std::string description;
};

// A status of `code` that carries all `violations` and says them in its
// message. REQUIRES: `violations` is not empty and `code` is not OK.
absl::Status ViolationStatus(absl::StatusCode code,
                             const std::vector<Violation>& violations);

// The violations that ViolationStatus put into `status`; none for any other.
std::vector<Violation> GetViolations(const absl::Status& status);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_VIOLATIONS_H_
