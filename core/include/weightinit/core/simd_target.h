// The instruction sets that values are computed with. All give the same bits.

#ifndef WEIGHTINIT_CORE_SIMD_TARGET_H_
#define WEIGHTINIT_CORE_SIMD_TARGET_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace weightinit {

struct SimdTarget {
  std::string name;  // "avx512", "avx2", "sse4", "ssse3", "neon", "scalar".
  bool supported = false;  // By this machine.
};

// Every target that was compiled in, the best first.
std::vector<SimdTarget> KnownSimdTargets();

// The name of the target in force, as told by the code that it selects.
std::string SimdTargetInUse();

// Puts one target in force for the whole process, or the best one again if
// `name` is empty. INVALID_ARGUMENT: no such target here; the message lists
// those that there are. It may be called at any time and changes no value.
absl::Status ForceSimdTarget(std::string_view name);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_SIMD_TARGET_H_
