#include "weightinit/core/seed_name.h"

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/core/utf8.h"
#include "weightinit/core/violations.h"

namespace weightinit {

absl::StatusOr<uint64_t> SeedInForce(uint64_t seed, std::string_view seed_name,
                                     const RootSeed* root_seed) {
  if (seed_name.empty()) return seed;
  ViolationList violations;
  if (seed_name.size() > kMaxSeedNameBytes) {
    AddViolation(violations, "seed_name", "has ", seed_name.size(),
                 " bytes; must have at most ", kMaxSeedNameBytes);
  } else if (!IsUtf8(seed_name)) {
    AddViolation(violations, "seed_name", "is not valid UTF-8");
  }
  if (seed != 0) {
    AddViolation(violations, "seed_name", "is given beside seed, which is ",
                 seed, "; with a name seed must be 0");
  }
  if (!violations.empty()) {
    return ViolationStatus(absl::StatusCode::kInvalidArgument, violations);
  }
  if (root_seed == nullptr) {
    return absl::FailedPreconditionError(
        "seed_name: there is no root seed to derive its seed from; start the "
        "server with --root-seed-file, or give the number as seed");
  }
  return root_seed->SeedOf(seed_name);
}

}  // namespace weightinit
