#include "client/cpp/fetch/fetch_errors.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

namespace {

absl::Status After(const absl::Status& status, int64_t delivered, int64_t all,
                   absl::string_view what) {
  if (delivered == 0) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), " (after ", delivered,
                                   " of ", all, " ", what, ")"));
}

}  // namespace

absl::Status CheckNames(const std::string& tensor_name,
                        const std::string& seed_name) {
  std::vector<Violation> violations;
  if (!IsUtf8(tensor_name)) {
    violations.push_back({"tensor.name", "is not valid UTF-8"});
  }
  if (!IsUtf8(seed_name)) {
    violations.push_back({"seed_name", "is not valid UTF-8"});
  }
  if (violations.empty()) return absl::OkStatus();
  return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
}

absl::Status CheckBuffer(size_t bytes,
                         const v1::TensorDescription& description) {
  if (description.bytes() <= static_cast<int64_t>(bytes)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "buffer has ", bytes, " bytes, the tensor needs ", description.bytes()));
}

absl::Status AfterElements(const absl::Status& status, int64_t delivered,
                           int64_t elements) {
  return After(status, delivered, elements, "elements");
}

absl::Status AfterBytes(const absl::Status& status, int64_t delivered,
                        int64_t bytes) {
  return After(status, delivered, bytes, "bytes");
}

}  // namespace weightinit
