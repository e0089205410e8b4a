#include "core/random/mapped_uniform.h"

#include "core/random/normal_cdf.h"
#include "core/random/transforms.h"

namespace weightinit {

double NaturalLog(double x) {
  // The sum makes a -0 a +0.
  return x > 1 ? 0.5 * Neg2Log(1 / x) + 0.0 : -0.5 * Neg2Log(x);
}

double InverseSoftplusOfExp(double log_x) {
  const double x =
      log_x > 0 ? 1 / ExpNonPositive(-log_x) : ExpNonPositive(log_x);
  return x + NaturalLog(1 - ExpNonPositive(-x));
}

}  // namespace weightinit
