#include "learner/objective/kl.h"

#include <gtest/gtest.h>

#include <cmath>

namespace entrain {
namespace {

TEST(KlEstimates, FollowTheirFormulas) {
  const double d = -1.5 - -1.2;  // ref − new
  EXPECT_DOUBLE_EQ(K1Estimate(-1.2, -1.5), -d);
  EXPECT_NEAR(K3Estimate(-1.2, -1.5), std::exp(d) - d - 1, 1e-15);
  EXPECT_EQ(K3Estimate(-1.2, -1.2), 0.0);
}

TEST(KlEstimates, AreBounded) {
  EXPECT_EQ(K1Estimate(-100, -1), -20.0);
  EXPECT_EQ(K3Estimate(-100, -1), 10.0);
  EXPECT_EQ(K3Estimate(-1, -100), 10.0);
}

// e^d − d − 1 ≈ d²/2; the plain form would give 0 or noise here.
TEST(KlEstimates, KeepTheirDigitsForTinyGaps) { EXPECT_NEAR(K3Estimate(-1, -1 + 1e-7) / 0.5e-14, 1.0, 1e-2); }

// Over all tokens of a distribution both estimators have the exact divergence as their mean.
TEST(KlEstimates, HaveTheDivergenceAsTheirMean) {
  const double p[] = {0.5, 0.3, 0.2}, q[] = {0.4, 0.25, 0.35};
  double exact = 0, k1 = 0, k3 = 0;
  for (int i = 0; i < 3; ++i) {
    exact += p[i] * std::log(p[i] / q[i]);
    k1 += p[i] * K1Estimate(std::log(p[i]), std::log(q[i]));
    k3 += p[i] * K3Estimate(std::log(p[i]), std::log(q[i]));
  }
  EXPECT_NEAR(k1, exact, 1e-14);
  EXPECT_NEAR(k3, exact, 1e-14);
}

}  // namespace
}  // namespace entrain
