#include "learner/objective/tis.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/objective/random_batch.h"

namespace entrain {
namespace {

using Tis = TruncatedImportanceSampling;

// w = 4, 0.25, 1 | 1.5, masked; the products over the sequences are 1 and 1.5.
TokenBatch Batch() {
  const std::vector<double> weights = {4.0, 0.25, 1.0, 1.5, 1.0};
  TokenBatch batch{.mask = {1, 1, 1, 1, 0}, .sequence_begin = {0, 3, 5}};
  for (const double w : weights) {
    batch.old_logp.push_back(-2);
    batch.rollout_logp.push_back(-2 - std::log(w));
  }
  batch.rollout_logp[4] = std::nan("");
  return batch;
}

void ExpectWeights(const Tis& options, const std::vector<double>& expected) {
  const std::vector<double> weights = TisWeights(options, Batch());
  ASSERT_EQ(weights.size(), expected.size());
  for (size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(weights[i], expected[i], 1e-12) << i;
}

TEST(TisWeights, TokenTruncationCapsFromAboveOnly) { ExpectWeights({.cap = 2}, {2, 0.25, 1, 1.5, 0}); }

TEST(TisWeights, TokenMaskDropsBothSides) {
  ExpectWeights({.mode = Tis::Mode::kMask, .cap = 2}, {0, 0, 1, 1.5, 0});
  ExpectWeights({.mode = Tis::Mode::kMask, .cap = 4.5, .lowest = 0.2}, {4, 0.25, 1, 1.5, 0});
}

TEST(TisWeights, SequenceLevelUsesTheProductOverTheSequence) {
  ExpectWeights({.level = Tis::Level::kSequence, .cap = 1.2}, {1, 1, 1, 1.2, 0});
  ExpectWeights({.level = Tis::Level::kSequence, .mode = Tis::Mode::kMask, .cap = 1.2}, {1, 1, 1, 0, 0});
}

TEST(TisWeights, MultipliesTheTokensLossAndGradientAsAConstant) {
  TokenBatch batch = RandomBatch(6);
  ObjectiveSpec plain{.name = "ppo_clip"}, corrected = plain;
  corrected.tis = Tis{.cap = 1.3};
  const auto without = EvaluateObjective(plain, batch, CountDenominators(batch));
  const auto with = EvaluateObjective(corrected, batch, CountDenominators(batch));
  ASSERT_TRUE(without.ok() && with.ok());
  const std::vector<double> weights = TisWeights(*corrected.tis, batch);
  for (size_t i = 0; i < weights.size(); ++i)
    EXPECT_DOUBLE_EQ(with->grad_new_logp[i], without->grad_new_logp[i] * weights[i]) << i;
}

}  // namespace
}  // namespace entrain
