#include "learner/evaluation.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/testing/bigram_network.h"

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

// Completions that give these answers ("" gives none); `right` is the correct one.
std::vector<Completion> Answers(const std::vector<std::string>& answers, const std::string& right) {
  std::vector<Completion> out;
  for (const std::string& answer : answers) {
    const bool correct = answer == right;
    out.push_back({.tokens = {0},
                   .verdict = {.kind = answer.empty() ? VerdictKind::kUnparsable
                                       : correct      ? VerdictKind::kCorrect
                                                      : VerdictKind::kWrong,
                               .score = correct ? 1.0 : 0.0,
                               .extracted = answer}});
  }
  return out;
}

// C(4, 2) = 6 pairs of 4 completions with one correct: 3 hold it.
TEST(PassAtK, ByHand) {
  EXPECT_DOUBLE_EQ(PassAtK(4, 1, 2), 0.5);
  EXPECT_EQ(PassAtK(4, 0, 4), 0);
  EXPECT_EQ(PassAtK(4, 1, 4), 1);
}

TEST(MajorityIsCorrect, TheMostFrequentAnswerDecides) {
  EXPECT_TRUE(MajorityIsCorrect(Answers({"8", "7", "7"}, "7")));
  EXPECT_FALSE(MajorityIsCorrect(Answers({"7", "8", "8"}, "7")));
  EXPECT_FALSE(MajorityIsCorrect({}));
}

TEST(MajorityIsCorrect, OfEquallyFrequentAnswersTheFirstGivenWins) {
  EXPECT_TRUE(MajorityIsCorrect(Answers({"7", "8"}, "7")));
  EXPECT_FALSE(MajorityIsCorrect(Answers({"8", "7"}, "7")));
  // "8" reaches two votes first, but "7" was given first.
  EXPECT_TRUE(MajorityIsCorrect(Answers({"7", "8", "8", "7"}, "7")));
}

TEST(MajorityIsCorrect, WhatGivesNoAnswerDoesNotVote) {
  EXPECT_TRUE(MajorityIsCorrect(Answers({"", "", "7"}, "7")));
  EXPECT_FALSE(MajorityIsCorrect(Answers({"", ""}, "7")));
}

// Correct is what the verifier calls so, in whatever clothes; a wrong answer in two is still one.
TEST(MajorityIsCorrect, AnswersThatAreTheSameVoteTogether) {
  std::vector<Completion> completions = Answers({"1/3", "1/3", "0.5", "\\frac12", "1/2"}, "");
  EXPECT_FALSE(MajorityIsCorrect(completions));
  for (size_t i = 2; i < 5; ++i) completions[i].verdict.kind = VerdictKind::kCorrect;
  EXPECT_TRUE(MajorityIsCorrect(completions));
  EXPECT_FALSE(MajorityIsCorrect(Answers({"7", "7", "0.5", "1/2", "\\frac{1}{2}"}, "7")));
  EXPECT_TRUE(MajorityIsCorrect(Answers({"7", "7", "0.5", "1/2"}, "7")));  // two and two: the first given
}

TEST(EvaluatePrompts, TheMajorityIsOfTheFirstCompletions) {
  std::vector<CollectedGroup> groups(1);
  groups[0].group.completions = Answers({"7", "8", "8", "9"}, "7");
  const auto metrics = EvaluationMetrics(EvaluatePrompts(groups, {1, 2, 3, 3}));
  EXPECT_EQ(metrics.at("eval/maj_at_1"), 1);
  EXPECT_EQ(metrics.at("eval/maj_at_2"), 1);
  EXPECT_EQ(metrics.at("eval/maj_at_3"), 0);
  EXPECT_EQ(metrics.at("eval/unsolvable"), 0);
}

TEST(EvaluatePrompts, APromptWithoutACompletionIsLeftOut) {
  EXPECT_EQ(EvaluationMetrics(EvaluatePrompts(std::vector<CollectedGroup>(2), {1})),
            (std::map<std::string, double>{{"eval/prompts", 0}}));
}

TEST(PassAtK, IsTheShareOfSubsetsThatHoldACorrectOne) {
  for (int n = 1; n <= 9; ++n) {
    for (int c = 0; c <= n; ++c) {
      for (int k = 1; k <= n; ++k)
        EXPECT_NEAR(PassAtK(n, c, k), ByCounting(n, c, k), 1e-12) << n << " " << c << " " << k;
    }
  }
}

// After token 0 the distribution is (0.9, 0.06, 0.04): two tokens hold 0.95. After 1 it is flat: three do.
// After 2 it is (0.97, …): one.
TEST(BranchingFactor, IsTheMeanOverAllCompletionTokensWhateverTheBatches) {
  BigramNetwork network(3);
  const double rows[] = {0.9, 0.06, 0.04, 1, 1, 1, 0.97, 0.02, 0.01};
  for (size_t i = 0; i < 9; ++i) network.parameters()[i] = static_cast<float>(std::log(rows[i]));
  std::vector<CollectedGroup> groups(3);
  groups[0].prompt.tokens = {0};
  groups[0].group.completions = {{.tokens = {1, 2, 0}}, {.tokens = {0}}};  // 2 + 3 + 1, 2
  groups[1].prompt.tokens = {0, 2};                                        // without a judged completion
  groups[2].prompt.tokens = {2, 1};
  groups[2].group.completions = {{.tokens = {1, 0}}};  // 3 + 3
  for (const int64_t microbatch : {1, 5, 1000}) {
    const auto found = BranchingFactor(network, groups, 1.0, microbatch);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_DOUBLE_EQ(*found, (2 + 3 + 1 + 2 + 3 + 3) / 6.0) << microbatch;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(BranchingFactor(network, {}, 1.0, 1000).status()));
}

TEST(EvaluationMetrics, CountsVerdictsNotScores) {
  const std::vector<CollectedGroup> groups = {GroupOf(1, 3), GroupOf(0, 4)};
  const auto metrics = EvaluationMetrics(EvaluatePrompts(groups, {1, 4}));
  EXPECT_DOUBLE_EQ(metrics.at("eval/avg_at_1"), 0.125);
  EXPECT_DOUBLE_EQ(metrics.at("eval/pass_at_1"), 0.125);
  EXPECT_DOUBLE_EQ(metrics.at("eval/pass_at_4"), 0.5);
  EXPECT_EQ(metrics.at("eval/prompts"), 2);
  EXPECT_EQ(metrics.at("eval/unsolvable"), 1);
}

TEST(EvaluationMetrics, LeavesOutAKThatAPromptHasTooFewCompletionsFor) {
  const std::vector<CollectedGroup> groups = {GroupOf(1, 3), GroupOf(1, 1)};
  const auto metrics = EvaluationMetrics(EvaluatePrompts(groups, {2, 3}));
  EXPECT_TRUE(metrics.contains("eval/pass_at_2"));
  EXPECT_TRUE(metrics.contains("eval/maj_at_2"));
  EXPECT_FALSE(metrics.contains("eval/pass_at_3"));
  EXPECT_FALSE(metrics.contains("eval/maj_at_3"));
}

}  // namespace
}  // namespace entrain
