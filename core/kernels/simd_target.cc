#include "weightinit/core/simd_target.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/kernels/kernel.h"
#include "hwy/targets.h"

namespace weightinit {
namespace {

// What the machine supports, asked before any target is forced.
int64_t SupportedMask() {
  static const int64_t mask = hwy::SupportedTargets();
  return mask;
}

}  // namespace

std::vector<SimdTarget> KnownSimdTargets() {
  std::vector<SimdTarget> known;
  // Highway's bits go from the best target to the worst.
  for (int bit = 0; bit < 63; ++bit) {
    const int64_t target = int64_t{1} << bit;
    if ((KernelTargets() & target) == 0) continue;
    known.push_back(
        {KernelTargetName(target), (SupportedMask() & target) != 0});
  }
  return known;
}

std::string SimdTargetInUse() { return KernelTargetName(KernelTargetInUse()); }

absl::Status ForceSimdTarget(std::string_view name) {
  const std::string wanted = absl::AsciiStrToLower({name.data(), name.size()});
  int64_t mask = wanted.empty() ? SupportedMask() : 0;
  std::string supported;
  for (int bit = 0; bit < 63; ++bit) {
    const int64_t target = int64_t{1} << bit;
    if ((KernelTargets() & SupportedMask() & target) == 0) continue;
    if (KernelTargetName(target) == wanted) mask = target;
    absl::StrAppend(&supported, supported.empty() ? "" : ", ",
                    KernelTargetName(target));
  }
  if (mask == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no SIMD target \"", wanted, "\" here; there are ", supported));
  }
  hwy::GetChosenTarget().Update(mask);
  return absl::OkStatus();
}

}  // namespace weightinit
