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
