#include "weightinit/core/violations.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace weightinit {
namespace {

// The payload's name, and its encoding: field and description alternate, each
// ended by NUL, which neither holds.
constexpr absl::string_view kPayload = "weightinit.violations";

}  // namespace

absl::Status ViolationStatus(absl::StatusCode code,
                             const std::vector<Violation>& violations) {
  std::string message;
  std::string payload;
  for (const Violation& violation : violations) {
    absl::StrAppend(&message, message.empty() ? "" : "; ", violation.field,
                    ": ", violation.description);
    payload.append(violation.field).push_back('\0');
    payload.append(violation.description).push_back('\0');
  }
  absl::Status status(code, message);
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

std::vector<Violation> GetViolations(const absl::Status& status) {
  std::vector<Violation> violations;
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return violations;
  const std::string text(*payload);
  const std::vector<std::string> parts = absl::StrSplit(text, '\0');
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    violations.push_back({parts[i], parts[i + 1]});
  }
  return violations;
}

}  // namespace weightinit
