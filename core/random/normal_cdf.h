// The normal distribution in double, for the parameters of a tensor: slow,
// deterministic (no libm), a few units in the last place from exact.

#ifndef WEIGHTINIT_CORE_RANDOM_NORMAL_CDF_H_
#define WEIGHTINIT_CORE_RANDOM_NORMAL_CDF_H_

namespace weightinit {

// exp(x) for x <= 0; 0 below -708. DETERMINISM.md, "Exponential".
double ExpNonPositive(double x);

// Density of the standard normal at x.
double NormalPdf(double x);

// Probability that a standard normal is above x, for x >= 0; accurate
// relatively. DETERMINISM.md, "Normal tail".
double NormalTail(double x);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_NORMAL_CDF_H_
