// The gains of variance_preserving_*, by quadrature.

#include <cmath>

#include "gtest/gtest.h"
#include "tests/core/plan/activation_functions.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/resolve.h"

namespace weightinit {
namespace {

TEST(VarianceGainTest, IsTheInverseOfTheSecondMomentOfEachActivation) {
  int tried = 0;
  for (const auto& named : AllNamed<Activation>()) {
    const auto f = FunctionOf(named.value);
    if (f == nullptr) continue;
    ++tried;
    for (const Scheme scheme : {Scheme::kVariancePreservingUniform,
                                Scheme::kVariancePreservingNormal}) {
      TensorRequest request;
      request.tensor.shape = {200, 300};
      request.tensor.activation = named.value;
      request.tensor.scheme = scheme;
      const auto plan = Resolve(request);
      ASSERT_TRUE(plan.ok()) << plan.status();
      EXPECT_NEAR(*plan->gain * *plan->gain * SecondMoment(f, 1), 1, 1e-12)
          << named.name;
      EXPECT_NEAR(plan->stddev, *plan->gain / std::sqrt(300.0), 1e-12);
    }
  }
  // All but softmax.
  EXPECT_EQ(tried + 1, static_cast<int>(AllNamed<Activation>().size()));
}

}  // namespace
}  // namespace weightinit
