// What objectives say of their own state, by the names of docs/metrics.md.
#include <gtest/gtest.h>

#include <cmath>

#include "learner/objective/objective.h"
#include "learner/objective/tis.h"

namespace entrain {
namespace {

// Tokens of one sequence at ratio 1.
TokenBatch Tokens(const std::vector<double>& logp, const std::vector<double>& advantage) {
  return {.old_logp = logp,
          .new_logp = logp,
          .advantage = advantage,
          .mask = std::vector<double>(logp.size(), 1.0),
          .sequence_begin = {0, static_cast<int64_t>(logp.size())}};
}

void Expect(const std::map<std::string, double>& found, const std::map<std::string, double>& expected) {
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_NEAR(found.at(name), value, 1e-12) << name;
  }
}

// Weights 3, 1, 1/3 and one that is masked; cap 2: in use 2, 1, 1/3.
TEST(TisState, IsOverTheUnmaskedTokens) {
  TokenBatch batch = Tokens({-1, -1, -1, -1}, {1, 1, 1, 1});
  batch.rollout_logp = {-1 - std::log(3.0), -1, -1 + std::log(3.0), -9};
  batch.mask[3] = 0;
  const double sum = 2 + 1 + 1.0 / 3, squares = 4 + 1 + 1.0 / 9;
  Expect(TisState({}, batch), {{"tis/mean", sum / 3},
                               {"tis/max", 3},
                               {"tis/ess", sum * sum / (3 * squares)},
                               {"tis/above_frac", 1.0 / 3},
                               {"tis/below_frac", 1.0 / 3}});
  // kMask leaves out what is outside [1/2, 2]: only the 1 stays.
  Expect(TisState({.mode = TruncatedImportanceSampling::Mode::kMask}, batch),
         {{"tis/mean", 1.0 / 3}, {"tis/ess", 1.0 / 3}, {"tis/max", 3}});
  // The product of the three is 1.
  Expect(TisState({.level = TruncatedImportanceSampling::Level::kSequence}, batch),
         {{"tis/mean", 1}, {"tis/ess", 1}, {"tis/above_frac", 0}});
}

// S = q (ln q + H) with ln q = −1: q·(H − 1) = q·{0, 0, 0, −2}. Mean −q/2, deviation q·√(3/4); the last token
// is 1.5/√0.75 = 1.73 deviations below.
TEST(MethodState, ClipBSaysWhatItDroppedAndByWhatScore) {
  TokenBatch batch = Tokens({-1, -1, -1, -1}, {1, -1, 1, -1});
  batch.old_entropy = {1, 1, 1, -1};
  ASSERT_TRUE(PrepareBatch({.name = "clip_b", .numbers = {{"mu", 1.5}}}, batch).ok());
  const double q = std::exp(-1.0);
  Expect(batch.found, {{"dropped/frac", 0.25},
                       {"dropped/positive_frac", 0},
                       {"dropped/negative_frac", 0.25},
                       {"dropped/score_mean", -q / 2},
                       {"dropped/score_std", q * std::sqrt(0.75)}});
  EXPECT_EQ(batch.mask, (std::vector<double>{1, 1, 1, 0}));
}

// Scores all alike: nothing is dropped, and the state says so.
TEST(MethodState, ClipVWithoutSpreadDropsNothing) {
  TokenBatch batch = Tokens({-1, -1}, {-1, -1});
  batch.old_entropy = {1, 1};
  batch.old_n = {0.25, 0.25};
  ASSERT_TRUE(PrepareBatch({.name = "clip_v"}, batch).ok());
  Expect(batch.found, {{"dropped/frac", 0}, {"dropped/score_mean", 0.25}, {"dropped/score_std", 0}});
}

// Means of A and ln p are 0 and −3, so the covariances are −1·2, −1·0 … : A·(ln p + 3).
TEST(MethodState, CovarianceMethodsSayHowItIsSpread) {
  TokenBatch batch = Tokens({-1, -2, -3, -4, -5}, {2, 0, -2, 1, -1});
  // A·(ln p + 3): 4, 0, 0, −1, 2.
  TokenBatch chosen = batch;
  ASSERT_TRUE(PlanMinibatch({.name = "kl_cov", .numbers = {{"ratio", 0.4}}}, {}, chosen).ok());
  Expect(chosen.found, {{"cov/mean", 1}, {"cov/q01", -1}, {"cov/q50", 0}, {"cov/q99", 2}});
  EXPECT_EQ(chosen.selected, (std::vector<uint8_t>{1, 0, 0, 0, 1}));
  // Between 1 and 5: two of five.
  ASSERT_TRUE(PlanMinibatch({.name = "clip_cov"}, {}, batch).ok());
  Expect(batch.found, {{"cov/candidates_frac", 0.4}, {"cov/mean", 1}});
}

TEST(MethodState, ErcSaysHowManyTokensItKept) {
  TokenBatch batch = Tokens({-1, -1, -1, -1}, {1, 1, -1, 1});
  batch.old_entropy = {1, 1, 1, 1};
  batch.entropy = {1, 1.04, 0.9, 1.1};  // inside (0.95, 1.05): two
  const auto result = EvaluateObjective({.name = "erc"}, batch, CountDenominators(batch));
  ASSERT_TRUE(result.ok());
  Expect(result->stats, {{"erc/kept_frac", 0.5}});
  EXPECT_EQ(result->outcomes[3].coefficient, 0);
}

// w = (0.5 − 0.25)/0.5 = 0.5 for the first prompt, 0 for the second: alpha · 0.5 on three of four tokens.
TEST(MethodState, AerSaysWhichShareOfPromptsHasABonus) {
  TokenBatch batch = Tokens({-1, -1, -1, -1}, {1, 1, 1, 1});
  batch.sequence_begin = {0, 3, 4};
  batch.entropy = {1, 1, 1, 1};
  batch.group_accuracy = {0.25, 0.75};
  const auto result =
      EvaluateObjective({.name = "aer", .numbers = {{"alpha", 0.04}}}, batch, CountDenominators(batch));
  ASSERT_TRUE(result.ok()) << result.status();
  Expect(result->stats, {{"bonus/prompts_frac", 0.5}, {"bonus/mean", 0.75 * 0.02}});
}

// The coefficient is the token's own, whatever the aggregation weighs it.
TEST(MethodState, TheCoefficientIsThatBeforeAggregation) {
  TokenBatch batch = Tokens({-1, -1, -1}, {2, -0.5, -0.5});
  batch.sequence_begin = {0, 1, 3};
  for (const Aggregation aggregation :
       {Aggregation::kTokenMean, Aggregation::kSeqMeanTokenMean, Aggregation::kTokenSum}) {
    const auto result =
        EvaluateObjective({.name = "ppo_clip", .aggregation = aggregation}, batch, CountDenominators(batch));
    ASSERT_TRUE(result.ok());
    EXPECT_NEAR(result->outcomes[0].coefficient, 2, 1e-12);
    EXPECT_NEAR(result->outcomes[2].coefficient, -0.5, 1e-12);
  }
}

}  // namespace
}  // namespace entrain
