// What theory says of the values of a distribution.

#ifndef WEIGHTINIT_CORE_PLAN_THEORY_H_
#define WEIGHTINIT_CORE_PLAN_THEORY_H_

#include <cstdint>
#include <optional>

#include "weightinit/core/kernel_shape.h"
#include "weightinit/core/orthogonal_shape.h"
#include "weightinit/core/plan.h"

namespace weightinit {

struct Theory {
  double mean = 0;
  double stddev = 0;  // After truncation.
  // The support; absent where it is unbounded.
  std::optional<double> low;
  std::optional<double> high;
};

// That of kDiagonal.
Theory TheoryOfDiagonal(const KernelShape& kernel, int64_t groups,
                        double value);

// That of kOrthogonal and kOrthogonalCentre. REQUIRES: the tensor has elements.
Theory TheoryOfOrthogonal(const OrthogonalShape& matrix, double gain);

// That of kSparse. REQUIRES: 0 <= zeros <= rows, and rows is above 0.
Theory TheoryOfSparse(const DistributionParameters& distribution, int64_t zeros,
                      int64_t rows);

// Those of kLogOfUniform and kInverseSoftplus, of a uniform distribution.
Theory TheoryOfLog(const DistributionParameters& distribution);
Theory TheoryOfInverseSoftplus(const DistributionParameters& distribution);

Theory TheoryOf(const DistributionParameters& distribution);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_THEORY_H_
