#include "learner/batch_metrics.h"

#include <gtest/gtest.h>

namespace entrain {
namespace {

// One group: a completion of two tokens that was right and one of one token that was wrong.
StepBatch Batch() {
  CollectedStep collected;
  collected.groups.push_back(
      {.prompt = {.id = "a", .tokens = {1}},
       .group = {.step = 5,
                 .policy_version = 3,
                 .completions = {{.index = 0,
                                  .tokens = {2, 0},
                                  .behaviour_logprobs = {-0.1f, -1.5f},
                                  .verdict = {.kind = VerdictKind::kCorrect, .score = 1.0}},
                                 {.index = 1,
                                  .tokens = {3},
                                  .behaviour_logprobs = {-0.1f},
                                  .finish = Finish::kLength,
                                  .verdict = {.kind = VerdictKind::kWrong, .score = 0.0}}}}});
  collected.groups_filtered = 2;
  collected.completions_excluded_timeout = 1;
  StepBatch batch = *MakeStepBatch(5, std::move(collected), {});
  batch.old = {.logprob = {-0.1f, -1.0f, -0.1f},
               .entropy = {0.5f, 0.5f, 0.2f},
               .s = {0.3f, 0.05f, -0.1f},
               .n = {0.1f, 0.1f, 0.1f}};
  return batch;
}

TEST(BatchMetrics, MeansAreOverTokens) {
  const auto metrics = BatchMetrics(Batch());
  EXPECT_NEAR(metrics.at("entropy/mean"), 0.4, 1e-7);
  EXPECT_NEAR(metrics.at("entropy/sampled"), 0.4, 1e-7);
  EXPECT_EQ(metrics.at("tokens/generated"), 3);
}

TEST(BatchMetrics, SharesFollowBothRules) {
  // Surprisals 0.1 < 0.5, 1 > 0.5 with A > 0 and 0.1 < 0.2 with A < 0; S − N: 0.2, −0.05 (the band 0 < S < N)
  // and −0.2.
  const auto metrics = BatchMetrics(Batch());
  for (const auto& [name, share] : std::map<std::string, double>{{"region/e1_share", 1.0 / 3},
                                                                 {"region/e2_share", 1.0 / 3},
                                                                 {"region/e3_share", 1.0 / 3},
                                                                 {"region/e4_share", 0},
                                                                 {"region_exact/e1_share", 1.0 / 3},
                                                                 {"region_exact/e2_share", 1.0 / 3},
                                                                 {"region_exact/e3_share", 0},
                                                                 {"region_exact/e4_share", 1.0 / 3}}) {
    EXPECT_NEAR(metrics.at(name), share, 1e-12) << name;
  }
}

// A is ±1/√2 (up to 1e-6) for all three tokens: the two of the right completion hold two thirds of the mass.
TEST(BatchMetrics, TheMassOfARegionIsItsPartOfAllAdvantages) {
  const auto metrics = BatchMetrics(Batch());
  for (const auto& [name, share] : std::map<std::string, double>{{"region/e1_mass_share", 1.0 / 3},
                                                                 {"region/e3_mass_share", 1.0 / 3},
                                                                 {"region_exact/e3_mass_share", 0},
                                                                 {"region_exact/e4_mass_share", 1.0 / 3}}) {
    EXPECT_NEAR(metrics.at(name), share, 1e-12) << name;
  }
}

TEST(BatchMetrics, SplitsEntropyBySignOfTheAdvantageAndByVerdict) {
  const auto metrics = BatchMetrics(Batch());
  EXPECT_NEAR(metrics.at("entropy/positive_advantage"), 0.5, 1e-7);
  EXPECT_NEAR(metrics.at("entropy/negative_advantage"), 0.2, 1e-7);
  EXPECT_NEAR(metrics.at("entropy/correct"), 0.5, 1e-7);
  EXPECT_NEAR(metrics.at("entropy/incorrect"), 0.2, 1e-7);
}

StepBatch GroupsOf(const std::vector<std::pair<int, int>>& correct_and_wrong) {
  CollectedStep collected;
  for (const auto& [correct, wrong] : correct_and_wrong) {
    CollectedGroup entry;
    for (int i = 0; i < correct + wrong; ++i) {
      const bool right = i < correct;
      entry.group.completions.push_back(
          {.index = i,
           .tokens = std::vector<TokenId>(static_cast<size_t>(right ? 1 : 2 + i), 0),
           .behaviour_logprobs = std::vector<float>(static_cast<size_t>(right ? 1 : 2 + i), -1.0f),
           .finish = right ? Finish::kStop : Finish::kLength,
           .verdict = {.kind = right ? VerdictKind::kCorrect : VerdictKind::kWrong,
                       .score = right ? 1.0 : 0.0}});
    }
    collected.groups.push_back(std::move(entry));
  }
  StepBatch batch = *MakeStepBatch(0, std::move(collected), {});
  const std::vector<float> ones(batch.tokens, 1.0f);
  batch.old = {.logprob = ones, .entropy = ones, .s = ones, .n = ones};
  return batch;
}

TEST(BatchMetrics, SortsGroupsByTheirPassRate) {
  // Shares 0, 1/4, 2/7, 1/2, 3/4, 4/5, 1, 1.
  const auto metrics =
      BatchMetrics(GroupsOf({{0, 4}, {1, 3}, {2, 5}, {2, 2}, {3, 1}, {4, 1}, {4, 0}, {2, 0}}));
  for (const auto& [name, groups] : std::map<std::string, double>{{"groups/all_wrong_frac", 1},
                                                                  {"groups/pass_rate_0_to_0.25_frac", 1},
                                                                  {"groups/pass_rate_0.25_to_0.5_frac", 2},
                                                                  {"groups/pass_rate_0.5_to_0.75_frac", 1},
                                                                  {"groups/pass_rate_0.75_to_1_frac", 1},
                                                                  {"groups/all_correct_frac", 2},
                                                                  {"groups/live_frac", 5},
                                                                  {"groups/zero_std_frac", 3}}) {
    EXPECT_DOUBLE_EQ(metrics.at(name), groups / 8) << name;
  }
}

TEST(BatchMetrics, LengthsAndTruncationByVerdict) {
  // Right: 1, 1. Wrong: 4, 5, 6, all truncated.
  const auto metrics = BatchMetrics(GroupsOf({{2, 3}}));
  for (const auto& [name, value] : std::map<std::string, double>{{"completions/length_median", 4},
                                                                 {"completions/correct_length_mean", 1},
                                                                 {"completions/correct_truncated_frac", 0},
                                                                 {"completions/incorrect_length_mean", 5},
                                                                 {"completions/incorrect_length_median", 5},
                                                                 {"completions/incorrect_length_max", 6},
                                                                 {"completions/incorrect_truncated_frac", 1},
                                                                 {"completions/truncated_frac", 0.6}}) {
    EXPECT_DOUBLE_EQ(metrics.at(name), value) << name;
  }
  EXPECT_FALSE(BatchMetrics(GroupsOf({{2, 0}})).contains("completions/incorrect_length_mean"));
}

TEST(BatchMetrics, CountsRewardsLengthsAgesAndWhatWasLeftOut) {
  const auto metrics = BatchMetrics(Batch());
  for (const auto& [name, value] : std::map<std::string, double>{{"reward/mean", 0.5},
                                                                 {"reward/std", 0.5},
                                                                 {"completions/truncated_frac", 0.5},
                                                                 {"completions/length_mean", 1.5},
                                                                 {"completions/length_max", 2},
                                                                 {"age/max", 2},
                                                                 {"groups/zero_std_frac", 0},
                                                                 {"groups/filtered", 2},
                                                                 {"groups/excluded", 0},
                                                                 {"excluded/timeout", 1},
                                                                 {"excluded/error", 0}}) {
    EXPECT_EQ(metrics.at(name), value) << name;
  }
  EXPECT_NEAR(metrics.at("mismatch/max_gap"), 0.5, 1e-6);
  EXPECT_NEAR(metrics.at("mismatch/kl_behaviour_old"), -0.5 / 3, 1e-6);
}

}  // namespace
}  // namespace entrain
