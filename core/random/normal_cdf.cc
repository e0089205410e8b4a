#include "core/random/normal_cdf.h"

#include <cstdint>

#include "core/random/transforms.h"

namespace weightinit {

double ExpNonPositive(double x) {
  if (x < -708.0) return 0.0;
  // x = k ln 2 + r with |r| <= ln(2)/2, ln 2 in two parts; Taylor series of
  // degree 13 in r; then 2^k, a normal number, from its exponent bits.
  const auto k = static_cast<int64_t>(x * 0x1.71547652b82fep0 - 0.5);
  const auto n = static_cast<double>(k);
  const double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double sum = 1.0;
  for (int i = 13; i >= 1; --i) {
    sum = sum * r / static_cast<double>(i) + 1.0;
  }
  return sum * BitCast<double>((k + 1023) * (int64_t{1} << 52));
}

double NormalPdf(double x) {
  constexpr double kInverseSqrtTwoPi = 0x1.9884533d43651p-2;
  return kInverseSqrtTwoPi * ExpNonPositive(-0.5 * x * x);
}

double NormalTail(double x) {
  if (x < 2.0) {
    // 1/2 - pdf(x) * (x + x^3/3 + x^5/(3*5) + ...).
    double term = x;
    double sum = x;
    for (int i = 3; i <= 101; i += 2) {
      term = term * (x * x) / static_cast<double>(i);
      sum = sum + term;
    }
    return 0.5 - NormalPdf(x) * sum;
  }
  // Laplace's continued fraction pdf(x) / (x + 1/(x + 2/(x + 3/(x + ...)))).
  double fraction = x;
  for (int i = 200; i >= 1; --i) {
    fraction = x + static_cast<double>(i) / fraction;
  }
  return NormalPdf(x) / fraction;
}

}  // namespace weightinit
