#include "client/cpp/cli/manifest_errors.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "weightinit/client/manifest.h"
#include "weightinit/core/violations.h"

namespace weightinit::cli {

absl::Status ExplainInManifest(
    const absl::Status& status, absl::string_view text, const std::string& path,
    const std::function<std::string(const std::string&)>& name_of) {
  const std::vector<Violation> violations = GetViolations(status);
  if (violations.empty()) return status;
  std::vector<std::string> lines;
  bool no_axis = false;
  for (const Violation& violation : violations) {
    const bool in_manifest = absl::StartsWith(violation.field, "model");
    lines.push_back(absl::StrCat(
        in_manifest ? PlaceInManifest(text, path, violation.field) + ": " : "",
        name_of ? name_of(violation.field) : violation.field, ": ",
        violation.description));
    if (absl::EndsWith(violation.field, ".shard.axis")) no_axis = true;
  }
  if (no_axis) {
    lines.emplace_back(
        "--shard: a pattern, as in '*.weight=3/8:1', cuts only the tensors "
        "that match");
  }
  return absl::Status(status.code(), absl::StrJoin(lines, "\n"));
}

}  // namespace weightinit::cli
