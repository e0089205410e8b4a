// Seeds that a request names instead of giving their number.

#ifndef WEIGHTINIT_CORE_SEED_NAME_H_
#define WEIGHTINIT_CORE_SEED_NAME_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "weightinit/core/root_seed.h"

namespace weightinit {

inline constexpr size_t kMaxSeedNameBytes = 256;

// The seed of a request that gives `seed`, and `seed_name` unless it is empty:
// without a name the number, else the one that `root_seed` gives the name.
// INVALID_ARGUMENT, with violations: the name is too long or not UTF-8, or both
// are given. FAILED_PRECONDITION: there is a name, and `root_seed` is null.
absl::StatusOr<uint64_t> SeedInForce(uint64_t seed, std::string_view seed_name,
                                     const RootSeed* root_seed);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_SEED_NAME_H_
