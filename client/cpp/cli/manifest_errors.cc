#include "client/cpp/cli/manifest_errors.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "weightinit/client/manifest.h"
#include "weightinit/core/violations.h"

namespace weightinit::cli {

absl::Status ExplainInManifest(const absl::Status& status,
                               absl::string_view text,
                               const std::string& path) {
  const std::vector<Violation> violations = GetViolations(status);
  if (violations.empty()) return status;
  std::vector<std::string> lines;
  for (const Violation& violation : violations) {
    const bool in_manifest = absl::StartsWith(violation.field, "model");
    lines.push_back(absl::StrCat(
        in_manifest ? PlaceInManifest(text, path, violation.field) + ": " : "",
        violation.field, ": ", violation.description));
  }
  return absl::Status(status.code(), absl::StrJoin(lines, "\n"));
}

}  // namespace weightinit::cli
