// How large a signal is, layer by layer, where the layers are wide.

#ifndef WEIGHTINIT_CORE_PLAN_MEAN_FIELD_H_
#define WEIGHTINIT_CORE_PLAN_MEAN_FIELD_H_

#include <optional>

#include "weightinit/core/request.h"

namespace weightinit {

// Within how many layers a signal has to keep its size.
inline constexpr int kLayersLookedAt = 20;
// The factor by which its RMS may change in them.
inline constexpr double kTolerableFactor = 10;

// A signal in a stack of equal layers, each of which is weights of mean 0 and
// then the activation f. The weighted sums of a layer are normal with a
// variance q, and those of the next one have
//
//   q' = fan_in Var(w) E[f(sqrt(q) z)^2],  z standard normal
//
// (Poole et al. 2016, without biases; Schoenholz et al. 2017; for rectified
// units He et al. 2015, equation 9). q is 1 at first, and the RMS of the signal
// is sqrt(q). Of sigmoid that counts the 1/2 which is the same for every input.
struct SignalInDepth {
  double first_factor = 1;  // q after the first layer.
  // After how many layers the RMS has changed by kTolerableFactor or more;
  // nothing if kLayersLookedAt do not change it so much.
  std::optional<int> depth;
  bool grows = false;  // Which way, if it has.
};

// `variance` is fan_in Var(w). REQUIRES: it is at least 0, and the activation
// is a function of one number.
SignalInDepth FollowSignal(Activation activation, double negative_slope,
                           double variance);

// The natural logarithm of E[f(sqrt(q) z)^2], from that of q. REQUIRES: q is
// from 1/100 to 100.
double LogMeanSquare(Activation activation, double negative_slope,
                     double log_q);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_PLAN_MEAN_FIELD_H_
