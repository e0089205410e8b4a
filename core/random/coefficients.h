// The coefficients of core/DETERMINISM.md, which says where they come from.

#ifndef WEIGHTINIT_CORE_RANDOM_COEFFICIENTS_H_
#define WEIGHTINIT_CORE_RANDOM_COEFFICIENTS_H_

#include <cstdint>

namespace weightinit {

// -2 ln u: binary32 as polynomial of x, binary64 as polynomial of (x / (2 +
// x))^2.
template <typename F>
struct LogOf;
template <>
struct LogOf<float> {
  static constexpr int32_t kSqrtHalf = 0x3f3504f3;  // Bits of sqrt(1/2).
  static constexpr float kNeg2Ln2 = -0x1.62e43p0f;
  static constexpr float kPolynomial[] = {
      -0x1p1f,         0x1.fffff8p-1f,  -0x1.5556fcp-1f,
      0x1.000514p-1f,  -0x1.98d11ap-2f, 0x1.534d96p-2f,
      -0x1.318864p-2f, 0x1.255856p-2f,  -0x1.665dccp-3f,
  };
};
template <>
struct LogOf<double> {
  static constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kNeg2Ln2 = -0x1.62e42fefa39efp0;
  static constexpr double kPolynomial[] = {
      -0x1.5555555555558p0,  -0x1.99999999952d9p-1, -0x1.2492492df75bep-1,
      -0x1.c71c62dc16303p-2, -0x1.7462b770676e4p-2, -0x1.39fe05c7ce994p-2,
      -0x1.2b5c8374a17e9p-2,
  };
};

// sqrt(1/2) * sin(t * pi/4) / t and sqrt(1/2) * cos(t * pi/4), polynomials of
// t^2.
template <typename F>
struct ArcOf;
template <>
struct ArcOf<float> {
  static constexpr float kSin[] = {0x1.1c5832p-1f, -0x1.d3ba6ep-5f,
                                   0x1.cd9a44p-10f, -0x1.ac2e5ep-16f};
  static constexpr float kCos[] = {0x1.6a09e6p-1f, -0x1.bea564p-3f,
                                   0x1.6f3fd4p-7f, -0x1.d8ce3ap-13f};
};
template <>
struct ArcOf<double> {
  static constexpr double kSin[] = {
      0x1.1c5831add62e4p-1,   -0x1.d3ba5c1c5f423p-5, 0x1.cda1063819aa5p-10,
      -0x1.b1e9f3447f2bbp-16, 0x1.dbd6f3c7eed56p-23, -0x1.55877a8bad812p-30,
      0x1.55d81c8b052bcp-38};
  static constexpr double kCos[] = {
      0x1.6a09e667f3bccp-1,   -0x1.bea5b6072b1c6p-3, 0x1.6f5a49b28f203p-7,
      -0x1.e36ab0b4dadffp-13, 0x1.54cb86d47d3c6p-19, -0x1.2af492a63245dp-26,
      0x1.615f79b63701p-34};
};

// The normal quantile: rational functions of kShift - center^2 up to the seam
// and of sqrt(-2 ln tail) (binary32) or sqrt(-ln tail) (binary64) beyond.
template <typename F>
struct QuantileOf;
template <>
struct QuantileOf<float> {
  static constexpr float kSeam = 0x1.eap-2f;
  static constexpr float kShift = 0.25f;
  static constexpr float kCentralP[] = {0x1.8f701cp2f, 0x1.1107aap10f,
                                        0x1.93bbe4p14f, 0x1.95804p16f,
                                        0x1.2f75acp15f};
  static constexpr float kCentralQ[] = {0x1p0f, 0x1.da6646p7f, 0x1.dfde7ep12f,
                                        0x1.75d03ap15f, 0x1.5f005cp15f};
  static constexpr float kTailP[] = {-0x1.491d1cp1f, -0x1.8a0bdp-2f,
                                     0x1.babaf4p0f, 0x1.8d306p-2f};
  static constexpr float kTailQ[] = {0x1p0f, 0x1.c1f08ap0f, 0x1.8c771cp-2f,
                                     0x1.604358p-17f};
};
template <>
struct QuantileOf<double> {
  // Algorithm AS 241 (PPND16) of Wichura, Applied Statistics 37 (1988).
  static constexpr double kSeam = 0.425;
  static constexpr double kShift = 0.180625;
  static constexpr double kCentralP[] = {
      3.3871328727963666080e0,  1.3314166789178437745e+2,
      1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e+4, 6.7265770927008700853e+4,
      3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr double kCentralQ[] = {1.0,
                                         4.2313330701600911252e+1,
                                         6.8718700749205790830e+2,
                                         5.3941960214247511077e+3,
                                         2.1213794301586595867e+4,
                                         3.9307895800092710610e+4,
                                         2.8729085735721942674e+4,
                                         5.2264952788528545610e+3};
  static constexpr double kNearP[] = {
      1.42343711074968357734e0,  4.63033784615654529590e0,
      5.76949722146069140550e0,  3.64784832476320460504e0,
      1.27045825245236838258e0,  2.41780725177450611770e-1,
      2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double kNearQ[] = {1.0,
                                      2.05319162663775882187e0,
                                      1.67638483018380384940e0,
                                      6.89767334985100004550e-1,
                                      1.48103976427480074590e-1,
                                      1.51986665636164571966e-2,
                                      5.47593808499534494600e-4,
                                      1.05075007164441684324e-9};
  static constexpr double kFarP[] = {
      6.65790464350110377720e0,  5.46378491116411436990e0,
      1.78482653991729133580e0,  2.96560571828504891230e-1,
      2.65321895265761230930e-2, 1.24266094738807843860e-3,
      2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double kFarQ[] = {1.0,
                                     5.99832206555887937690e-1,
                                     1.36929880922735805310e-1,
                                     1.48753612908506148525e-2,
                                     7.86869131145613259100e-4,
                                     1.84631831751005468180e-5,
                                     1.42151175831644588870e-7,
                                     2.04426310338993978564e-15};
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_RANDOM_COEFFICIENTS_H_
