// What holds for every registered objective, through all three of its stages.
#include "tests/testing/every_objective.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/objective/random_batch.h"

namespace entrain {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// RandomBatch with the columns of every objective.
TokenBatch FullBatch(uint64_t seed) {
  TokenBatch batch = RandomBatch(seed);
  const Rng rng({.seed = seed, .purpose = RngPurpose::kData, .ordinal = 1});
  uint64_t position = 0;
  const auto fill = [&](std::vector<double>& column, size_t count, double low, double high) {
    column.resize(count);
    for (double& value : column) value = low + (high - low) * rng.Uniform(position++);
  };
  const size_t tokens = batch.mask.size();
  fill(batch.old_entropy, tokens, 0.01, 2);
  fill(batch.entropy, tokens, 0.01, 2);
  fill(batch.old_n, tokens, 0, 0.2);
  fill(batch.new_n, tokens, 0, 0.2);
  fill(batch.group_accuracy, batch.sequence_begin.size() - 1, 0, 1);
  batch.measured_entropy = 0.5;
  return batch;
}

struct Outcome {
  TokenBatch batch;
  ObjectiveResult result;
};

Outcome ThroughAllStages(const ObjectiveSpec& spec, TokenBatch batch) {
  Outcome out;
  EXPECT_TRUE(PrepareBatch(spec, batch).ok());
  const PlanKey key = {.seed = 1, .step = 2, .update = 3};
  EXPECT_TRUE(PlanMinibatch(spec, key, batch).ok());
  const auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
  EXPECT_TRUE(result.ok()) << result.status();
  out.batch = std::move(batch);
  out.result = result.value_or(ObjectiveResult{});
  return out;
}

class EveryObjectiveTest : public testing::TestWithParam<ObjectiveSpec> {};
INSTANTIATE_TEST_SUITE_P(Objectives, EveryObjectiveTest, testing::ValuesIn(EveryObjective()),
                         [](const auto& one) { return one.param.name; });

// docs/methods.md 13.7: in every column, through statistics, selection and loss.
TEST_P(EveryObjectiveTest, MaskedPositionsMayHoldAnything) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const TokenBatch clean = FullBatch(seed);
    const Outcome expected = ThroughAllStages(GetParam(), clean);
    for (const double rubbish : {kNan, kInfinity, -kInfinity}) {
      TokenBatch dirty = clean;
      for (std::vector<double>* column :
           {&dirty.old_logp, &dirty.new_logp, &dirty.advantage, &dirty.old_entropy, &dirty.entropy,
            &dirty.old_n, &dirty.new_n, &dirty.rollout_logp}) {
        for (size_t i = 0; i < column->size(); ++i) {
          if (!(dirty.mask[i] > 0)) (*column)[i] = rubbish;
        }
      }
      const Outcome found = ThroughAllStages(GetParam(), dirty);
      EXPECT_EQ(found.result.loss, expected.result.loss) << seed << " " << rubbish;
      EXPECT_EQ(found.result.grad_new_logp, expected.result.grad_new_logp) << seed << " " << rubbish;
      EXPECT_EQ(found.result.grad_entropy, expected.result.grad_entropy) << seed << " " << rubbish;
      EXPECT_EQ(found.result.stats, expected.result.stats) << seed << " " << rubbish;
      EXPECT_EQ(found.batch.mask, expected.batch.mask) << seed << " " << rubbish;
    }
  }
}

// A completion whose every token is masked is as good as absent: it is in no mean, count or deviation. PPL
// shaping standardises over all completions of the batch, and there it counts, as in the reference.
TEST_P(EveryObjectiveTest, ACompletionWithoutTrainedTokensChangesNothing) {
  const TokenBatch batch = FullBatch(4);
  const Outcome expected = ThroughAllStages(GetParam(), batch);
  TokenBatch longer = batch;
  for (std::vector<double>* column :
       {&longer.old_logp, &longer.new_logp, &longer.advantage, &longer.old_entropy, &longer.entropy,
        &longer.old_n, &longer.new_n, &longer.rollout_logp})
    column->insert(column->end(), 3, -1.0);
  longer.mask.insert(longer.mask.end(), 3, 0.0);
  longer.group_accuracy.push_back(0);
  longer.sequence_begin.push_back(longer.sequence_begin.back() + 3);
  const Outcome found = ThroughAllStages(GetParam(), longer);
  std::vector<double> gradient = found.result.grad_new_logp;
  gradient.resize(gradient.size() - 3);
  const bool counts = GetParam().name == "ppl_shaped";
  EXPECT_EQ(found.result.loss != expected.result.loss, counts);
  EXPECT_EQ(gradient != expected.result.grad_new_logp, counts);
  EXPECT_EQ(found.result.stats, expected.result.stats);
}

// docs/methods.md 10.4, 10.12 and 9: GSPO caps its exponent above only, and DCPO, Clip-Cov and KL-Cov have
// no clamp of the log-ratio. With A = −1 and one token the loss is the ratio, and so is its gradient.
TEST(UnclampedRatios, AreWhatTheMethodsWerePublishedWith) {
  const auto evaluate = [](const ObjectiveSpec& spec, double old_logp, double new_logp) {
    TokenBatch batch = OneToken(old_logp, new_logp, -1);
    EXPECT_TRUE(PlanMinibatch(spec, {}, batch).ok());
    const auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
    EXPECT_TRUE(result.ok()) << result.status();
    return *result;
  };
  const double inf = std::numeric_limits<double>::infinity(), ratio = std::exp(25.0);
  for (const ObjectiveSpec& spec :
       {ObjectiveSpec{.name = "dcpo", .numbers = {{"dual_c", inf}}}, ObjectiveSpec{.name = "clip_cov"},
        ObjectiveSpec{.name = "kl_cov", .numbers = {{"coef", 0}}}}) {
    const ObjectiveResult result = evaluate(spec, -26, -1);
    EXPECT_NEAR(result.loss / ratio, 1, 1e-7) << spec.name;
    EXPECT_NEAR(result.grad_new_logp[0] / ratio, 1, 1e-7) << spec.name;
    EXPECT_TRUE(std::isfinite(evaluate(spec, -2000, -1).loss)) << spec.name;
  }
  // The lower bound is 1 − 1 = 0: nothing clips.
  const ObjectiveSpec gspo{.name = "gspo", .numbers = {{"eps_low", 1}}};
  const ObjectiveResult result = evaluate(gspo, -1, -31);
  EXPECT_NEAR(result.loss / std::exp(-30.0), 1, 1e-7);
  EXPECT_NEAR(result.grad_new_logp[0] / std::exp(-30.0), 1, 1e-7);
}

// EntroPIC's extra term moves with the ratio, and beyond the clamp the ratio does not move (docs/methods.md
// 0.1): e^20 · 0.25 / 1 with no gradient.
TEST(Entropic, ItsExtraTermHasNoGradientBeyondTheClampOfTheLogRatio) {
  const ObjectiveSpec spec{.name = "entropic", .numbers = {{"alpha", 0.5}, {"p_thresh", 0.5}}};
  TokenBatch batch = OneToken(-30.0, -0.1, 0.5);
  ASSERT_TRUE(PlanMinibatch(spec, {}, batch).ok());
  const auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(result->loss, -0.5 * 1.2 - 0.25 * std::exp(20.0), 1e-6 * std::exp(20.0));
  EXPECT_EQ(result->grad_new_logp[0], 0.0);
}

}  // namespace
}  // namespace entrain
