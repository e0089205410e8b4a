// Parameters from several places.

#ifndef WEIGHTINIT_CORE_PLAN_PARAMETER_OVERLAY_H_
#define WEIGHTINIT_CORE_PLAN_PARAMETER_OVERLAY_H_

#include "weightinit/core/request.h"

namespace weightinit {

// Sets in `base` each parameter that `nearer` sets.
inline void OverlayParameters(const SchemeParameters& nearer,
                              SchemeParameters& base) {
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (nearer.name.has_value()) base.name = nearer.name;
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  if (nearer.name != type::kUnspecified) base.name = nearer.name;
#include "weightinit/core/request.def"
}

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_PARAMETER_OVERLAY_H_
