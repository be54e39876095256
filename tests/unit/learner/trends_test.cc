#include "learner/trends.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace entrain {
namespace {

TEST(Trends, TheFirstStepHasAnAverageAndNothingToCompare) {
  Trends trends;
  EXPECT_EQ(trends.Add(0.5, 0.1),
            (std::map<std::string, double>{{"entropy/ema", 0.5}, {"entropy/relative_to_first", 1}}));
}

TEST(Trends, FollowsEntropy) {
  Trends trends;
  trends.Add(1.0, 0);
  const auto second = trends.Add(0.8, 0);
  EXPECT_NEAR(second.at("entropy/realised_change"), -0.2, 1e-15);
  EXPECT_NEAR(second.at("entropy/ema"), 0.98, 1e-15);  // 0.9 · 1 + 0.1 · 0.8
  EXPECT_NEAR(second.at("entropy/slope"), -0.2, 1e-15);
  EXPECT_NEAR(second.at("entropy/relative_to_first"), 0.8, 1e-15);
  const auto third = trends.Add(0.9, 0);
  EXPECT_NEAR(third.at("entropy/ema"), 0.972, 1e-15);  // 0.9 · 0.98 + 0.1 · 0.9
  // Steps −1, 0, 1 about their mean: (−1 · 1 + 1 · 0.9) / 2.
  EXPECT_NEAR(third.at("entropy/slope"), -0.05, 1e-15);
}

TEST(Trends, TheSlopeForgetsAfterTwentySteps) {
  Trends trends;
  for (int i = 0; i < 10; ++i) trends.Add(7 - i % 3, 0);
  double slope = 0;
  for (int i = 0; i < 19; ++i) slope = trends.Add(2 - 0.01 * i, 0).at("entropy/slope");
  EXPECT_GT(std::abs(slope + 0.01), 0.01) << "one of the ten is still among the last twenty";
  EXPECT_NEAR(trends.Add(2 - 0.01 * 19, 0).at("entropy/slope"), -0.01, 1e-12);
}

// x = e^H = 2, 3, 4 with rewards 0.9, 0.6, 0.5. Means 3 and 2/3; Sxx = 2, Sxy = −0.9 + 0.5 = −0.4, so the
// slope is −0.2 and the intercept 2/3 + 0.6. Residuals 1/30, −2/30, 1/30: their squares add up to 6/900; Syy
// = 78/900.
TEST(Trends, FitsRewardAgainstTheExponentialOfEntropy) {
  Trends trends;
  EXPECT_FALSE(trends.Add(std::log(2), 0.9).contains("fit/a"));
  EXPECT_FALSE(trends.Add(std::log(3), 0.6).contains("fit/a"));
  const auto found = trends.Add(std::log(4), 0.5);
  const double variance = 6.0 / 900;  // over one degree of freedom
  for (const auto& [name, value] :
       std::map<std::string, double>{{"fit/a", 0.2},
                                     {"fit/b", 2.0 / 3 + 0.6},
                                     {"fit/ceiling", 2.0 / 3 + 0.4},
                                     {"fit/r2", 1 - 6.0 / 78},
                                     {"fit/a_std_error", std::sqrt(variance / 2)},
                                     {"fit/b_std_error", std::sqrt(variance * (1.0 / 3 + 9.0 / 2))}}) {
    EXPECT_NEAR(found.at(name), value, 1e-12) << name;
  }
}

TEST(Trends, NoLineGoesThroughOneEntropy) {
  Trends trends;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(trends.Add(0.25, 0.1 * i).contains("fit/a"));
}

TEST(Trends, ARewardThatNeverVariesIsNotExplained) {
  Trends trends;
  trends.Add(0.1, 1);
  trends.Add(0.2, 1);
  const auto found = trends.Add(0.3, 1);
  EXPECT_EQ(found.at("fit/a"), 0);
  EXPECT_EQ(found.at("fit/r2"), 0);
  EXPECT_EQ(found.at("fit/ceiling"), 1);
}

TEST(Trends, WhatIsNotFiniteIsPassedOver) {
  Trends trends;
  trends.Add(1, 0.5);
  const Trends::State before = trends.state();
  EXPECT_TRUE(trends.Add(std::numeric_limits<double>::quiet_NaN(), 0.5).empty());
  EXPECT_TRUE(trends.Add(1, std::numeric_limits<double>::infinity()).empty());
  EXPECT_EQ(trends.state(), before);
}

TEST(Trends, GoesOnFromItsStateAsIfItHadNotStopped) {
  const auto entropy = [](int i) { return 1.3 - 0.02 * i + 0.1 * std::sin(i); };
  const auto reward = [](int i) { return 0.01 * i + 0.05 * std::cos(3 * i); };
  for (const int stop : {0, 1, 2, 25}) {
    Trends whole, before;
    for (int i = 0; i < stop; ++i) {
      whole.Add(entropy(i), reward(i));
      before.Add(entropy(i), reward(i));
    }
    Trends after(before.state());
    for (int i = stop; i < stop + 25; ++i)
      EXPECT_EQ(after.Add(entropy(i), reward(i)), whole.Add(entropy(i), reward(i))) << stop << " " << i;
  }
}

}  // namespace
}  // namespace entrain
