// Functions of a uniform number, in double: deterministic (no libm), a few
// units in the last place from exact. DETERMINISM.md, "Functions of a uniform
// number".

#ifndef WEIGHTINIT_CORE_RANDOM_MAPPED_UNIFORM_H_
#define WEIGHTINIT_CORE_RANDOM_MAPPED_UNIFORM_H_

namespace weightinit {

// The natural logarithm. REQUIRES: x is from 1e-300 to 1e300.
double NaturalLog(double x);

// ln(e^x - 1) of x = e^log_x: what the softplus function takes to x. REQUIRES:
// log_x is from ln 1e-8 to ln 100.
double InverseSoftplusOfExp(double log_x);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_MAPPED_UNIFORM_H_
