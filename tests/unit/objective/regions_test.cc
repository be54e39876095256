#include "learner/regions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace entrain {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The table of docs/methods.md 0.4.
TEST(Regions, FollowTheTableOfAdvantageAndSurprisal) {
  EXPECT_EQ(RegionBySurprisal(-0.5, 1.0, +1), 1);
  EXPECT_EQ(RegionBySurprisal(-1.5, 1.0, +1), 2);
  EXPECT_EQ(RegionBySurprisal(-0.5, 1.0, -1), 3);
  EXPECT_EQ(RegionBySurprisal(-1.5, 1.0, -1), 4);
  EXPECT_EQ(RegionByScore(0.2, 0.1, +1), 1);
  EXPECT_EQ(RegionByScore(0.1, 0.2, +1), 2);
  EXPECT_EQ(RegionByScore(0.2, 0.1, -1), 3);
  EXPECT_EQ(RegionByScore(0.1, 0.2, -1), 4);
}

TEST(Regions, TiesAndZeroAdvantagesAndMissingNumbersAreInNone) {
  EXPECT_EQ(RegionBySurprisal(-1.0, 1.0, +1), 0);
  EXPECT_EQ(RegionByScore(0.1, 0.1, -1), 0);
  EXPECT_EQ(RegionBySurprisal(-0.5, 1.0, 0), 0);
  EXPECT_EQ(RegionByScore(0.2, 0.1, 0), 0);
  EXPECT_EQ(RegionBySurprisal(kNan, 1.0, +1), 0);
  EXPECT_EQ(RegionBySurprisal(-0.5, 1.0, kNan), 0);
}

// E1 and E4 lower entropy, E2 and E3 raise it: dH of one gradient step on the logits of a softmax, measured.
TEST(Regions, TheExactRuleNamesTheSignOfTheEntropyChange) {
  const auto entropy = [](const double(&z)[4], double(&p)[4]) {
    double sum = 0, h = 0;
    for (const double value : z) sum += std::exp(value);
    for (int i = 0; i < 4; ++i) p[i] = std::exp(z[i]) / sum;
    for (const double q : p) h -= q * std::log(q);
    return h;
  };
  const double z[4] = {2.0, 0.7, 0.0, -1.0};
  double p[4], ignored[4];
  const double h = entropy(z, p);
  double n = 0;
  for (const double q : p) n += q * q * (std::log(q) + h);
  for (int token = 0; token < 4; ++token) {
    for (const double advantage : {1.0, -1.0}) {
      constexpr double kEta = 1e-6;
      double moved[4];
      for (int i = 0; i < 4; ++i) moved[i] = z[i] + kEta * advantage * ((i == token ? 1.0 : 0.0) - p[i]);
      const double change = entropy(moved, ignored) - h;
      const int region = RegionByScore(p[token] * (std::log(p[token]) + h), n, advantage);
      EXPECT_EQ(change < 0, region == 1 || region == 4) << token << " " << advantage;
    }
  }
}

TEST(RegionCounts, SharesAreOfAllTokens) {
  RegionCounts counts;
  for (const int region : {1, 1, 3, 0}) counts.Add(region);
  EXPECT_DOUBLE_EQ(counts.Share(1, 4), 0.5);
  EXPECT_DOUBLE_EQ(counts.Share(3, 4), 0.25);
  EXPECT_DOUBLE_EQ(counts.Share(4, 4), 0.0);
  EXPECT_DOUBLE_EQ(counts.Share(1, 0), 0.0);
}

}  // namespace
}  // namespace entrain
