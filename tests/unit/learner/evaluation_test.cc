#include "learner/evaluation.h"

#include <gtest/gtest.h>

#include <bit>

namespace entrain {
namespace {

// The share of all k-subsets of n completions that hold one of the first c.
double ByCounting(int n, int c, int k) {
  double subsets = 0, passed = 0;
  for (unsigned set = 0; set < (1u << n); ++set) {
    if (std::popcount(set) != k) continue;
    ++subsets;
    passed += (set & ((1u << c) - 1)) != 0 ? 1 : 0;
  }
  return passed / subsets;
}

CollectedGroup GroupOf(int correct, int wrong) {
  CollectedGroup out;
  for (int i = 0; i < correct + wrong; ++i) {
    const bool right = i < correct;
    out.group.completions.push_back({.index = i,
                                     .tokens = {0},
                                     .verdict = {.kind = right ? VerdictKind::kCorrect : VerdictKind::kWrong,
                                                 .score = right ? 1.0 : 0.5}});
  }
  return out;
}

TEST(PassAtK, IsTheShareOfSubsetsThatHoldACorrectOne) {
  for (int n = 1; n <= 9; ++n) {
    for (int c = 0; c <= n; ++c) {
      for (int k = 1; k <= n; ++k)
        EXPECT_NEAR(PassAtK(n, c, k), ByCounting(n, c, k), 1e-12) << n << " " << c << " " << k;
    }
  }
}

TEST(EvaluationMetrics, CountsVerdictsNotScores) {
  const std::vector<CollectedGroup> groups = {GroupOf(1, 3), GroupOf(0, 4)};
  const auto metrics = EvaluationMetrics(groups, {1, 4});
  EXPECT_DOUBLE_EQ(metrics.at("eval/avg_at_1"), 0.125);
  EXPECT_DOUBLE_EQ(metrics.at("eval/pass_at_1"), 0.125);
  EXPECT_DOUBLE_EQ(metrics.at("eval/pass_at_4"), 0.5);
  EXPECT_EQ(metrics.at("eval/prompts"), 2);
  EXPECT_EQ(metrics.at("eval/unsolvable"), 1);
}

TEST(EvaluationMetrics, LeavesOutAKThatAPromptHasTooFewCompletionsFor) {
  const std::vector<CollectedGroup> groups = {GroupOf(1, 3), GroupOf(1, 1)};
  const auto metrics = EvaluationMetrics(groups, {2, 3});
  EXPECT_TRUE(metrics.contains("eval/pass_at_2"));
  EXPECT_FALSE(metrics.contains("eval/pass_at_3"));
}

}  // namespace
}  // namespace entrain
