#include "learner/objective/objective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "learner/objective/aggregation.h"
#include "tests/unit/objective/random_batch.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

ObjectiveResult Evaluate(const ObjectiveSpec& spec, const TokenBatch& batch) {
  const auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(ObjectiveResult{});
}

std::vector<ObjectiveSpec> AllSpecs() {
  std::vector<ObjectiveSpec> specs;
  for (const Aggregation aggregation :
       {Aggregation::kTokenMean, Aggregation::kSeqMeanTokenMean, Aggregation::kSeqMeanTokenSum,
        Aggregation::kSeqMeanTokenSumNorm, Aggregation::kTokenSum}) {
    specs.push_back({.name = "ppo_clip", .aggregation = aggregation, .horizon = 20});
    specs.push_back(
        {.name = "flex_clip", .numbers = {{"dual_c", 1.5}}, .aggregation = aggregation, .horizon = 20});
    specs.push_back({.name = "flex_clip",
                     .words = {{"p_source", "new"}},
                     .aggregation = aggregation,
                     .horizon = 20,
                     .tis = TruncatedImportanceSampling{}});
  }
  return specs;
}

double Loss(double log_ratio, double advantage, const ObjectiveSpec& spec) {
  return Evaluate(spec, OneToken(-3.0, -3.0 + log_ratio, advantage)).loss;
}

// max(−A·r, −A·clip(r, 0.8, 1.2)) by hand, in all quadrants.
TEST(PpoClip, FollowsTheDefinitionInEveryQuadrant) {
  const ObjectiveSpec spec{.name = "ppo_clip"};
  const double up = std::log(1.5), down = std::log(0.5);
  EXPECT_NEAR(Loss(up, 2.0, spec), -2.4, 1e-12);    // clipped above
  EXPECT_NEAR(Loss(down, 2.0, spec), -1.0, 1e-12);  // free
  EXPECT_NEAR(Loss(up, -2.0, spec), 3.0, 1e-12);    // free
  EXPECT_NEAR(Loss(down, -2.0, spec), 1.6, 1e-12);  // clipped below
  EXPECT_EQ(Loss(up, 0.0, spec), 0.0);
}

TEST(PpoClip, CountsWhichBoundActed) {
  TokenBatch batch{.old_logp = {-3, -2, -3, -3, -3},
                   .new_logp = {-3 + std::log(1.5), -2 + std::log(0.5), -3 + std::log(4.0), -3, -3},
                   .advantage = {1, -1, -1, 1, 1},
                   .mask = {1, 1, 1, 1, 0},
                   .sequence_begin = {0, 5}};
  const ObjectiveResult result = Evaluate({.name = "ppo_clip", .numbers = {{"dual_c", 3.0}}}, batch);
  EXPECT_DOUBLE_EQ(result.stats.at("clip/high_frac"), 0.25);
  EXPECT_DOUBLE_EQ(result.stats.at("clip/low_frac"), 0.25);
  EXPECT_DOUBLE_EQ(result.stats.at("clip/dual_frac"), 0.25);
  EXPECT_NEAR(result.stats.at("clip/high_q_sum"), std::exp(-3) / 4, 1e-15);
  EXPECT_NEAR(result.stats.at("clip/low_q_sum"), std::exp(-2) / 4, 1e-15);
  EXPECT_NEAR(result.stats.at("ratio/mean"), (1.5 + 0.5 + 4.0 + 1.0) / 4, 1e-12);
}

TEST(PpoClip, DualClipCapsTheLossOfLargeRatiosWithNegativeAdvantage) {
  const ObjectiveSpec dual{.name = "ppo_clip", .numbers = {{"dual_c", 3.0}}};
  EXPECT_NEAR(Loss(std::log(5.0), -2.0, dual), 6.0, 1e-12);
  EXPECT_EQ(Evaluate(dual, OneToken(-3, -3 + std::log(5.0), -2.0)).grad_new_logp[0], 0.0);
  EXPECT_NEAR(Loss(std::log(5.0), -2.0, {.name = "ppo_clip"}), 10.0, 1e-12);
  EXPECT_NEAR(Loss(std::log(2.0), -2.0, dual), 4.0, 1e-12) << "below the cap nothing changes";
}

TEST(PpoClip, ATokenExactlyAtABoundStillTrains) {
  // e^0 = 1 is exact, so bounds of 1 are met exactly.
  const ObjectiveSpec spec{.name = "ppo_clip", .numbers = {{"eps_low", 0.0}, {"eps_high", 0.0}}};
  for (const double advantage : {1.0, -1.0}) {
    const ObjectiveResult result = Evaluate(spec, OneToken(-1.0, -1.0, advantage));
    EXPECT_EQ(result.grad_new_logp[0], -advantage);
    EXPECT_EQ(result.stats.at("clip/high_frac") + result.stats.at("clip/low_frac"), 0.0);
  }
}

TEST(PpoClip, TheLogRatioIsClampedAndHasNoGradientBeyond) {
  const ObjectiveResult result = Evaluate({.name = "ppo_clip"}, OneToken(-40.0, -1.0, -1.0));
  EXPECT_NEAR(result.loss, std::exp(20.0), 1e-4);
  EXPECT_EQ(result.grad_new_logp[0], 0.0);
}

TEST(PpoClip, BoundsThatAreOffNeverClip) {
  const ObjectiveSpec spec{.name = "ppo_clip", .numbers = {{"eps_low", 1.0}, {"eps_high", kInfinity}}};
  EXPECT_NEAR(Loss(std::log(9.0), 1.0, spec), -9.0, 1e-12);
  EXPECT_NEAR(Loss(std::log(0.01), -1.0, spec), 0.01, 1e-12);
}

TEST(FlexClip, CurrentProbabilityAndSolvedFormTrainTheSameTokens) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const TokenBatch batch = RandomBatch(seed);
    const ObjectiveResult solved = Evaluate({.name = "flex_clip"}, batch),
                          direct = Evaluate({.name = "flex_clip", .words = {{"p_source", "new"}}}, batch);
    EXPECT_EQ(solved.grad_new_logp, direct.grad_new_logp) << seed;
    EXPECT_EQ(solved.stats.at("clip/high_frac"), direct.stats.at("clip/high_frac")) << seed;
  }
}

TEST(FlexClip, FlatLinesAreTheBox) {
  const TokenBatch batch = RandomBatch(3);
  const ObjectiveResult lines =
      Evaluate({.name = "flex_clip", .upper = EpsLine{0.28, 0}, .lower = EpsLine{0.2, 0}}, batch);
  const ObjectiveResult box = Evaluate({.name = "ppo_clip", .numbers = {{"eps_high", 0.28}}}, batch);
  EXPECT_DOUBLE_EQ(lines.loss, box.loss);
  EXPECT_EQ(lines.grad_new_logp, box.grad_new_logp);
}

// Central differences; the derivative jumps at a bound, so tokens near one are left out.
TEST(EvaluateObjective, TheGradientIsTheDerivativeOfTheLoss) {
  constexpr double kStep = 1e-6;
  for (ObjectiveSpec spec : AllSpecs()) {
    // p is a constant in the gradient; freezing it for differences needs the solved form (same gradient).
    spec.words.clear();
    TokenBatch batch = RandomBatch(11);
    const ObjectiveResult result = Evaluate(spec, batch);
    for (size_t i = 0; i < batch.mask.size(); ++i) {
      const double at = batch.new_logp[i];
      batch.new_logp[i] = at + kStep;
      const double above = Evaluate(spec, batch).loss;
      batch.new_logp[i] = at - kStep;
      const double below = Evaluate(spec, batch).loss;
      batch.new_logp[i] = at;
      EXPECT_NEAR(result.grad_new_logp[i], (above - below) / (2 * kStep), 2e-8) << spec.name << " " << i;
    }
  }
}

TEST(EvaluateObjective, PartsOfAMinibatchAddUpToTheWhole) {
  const Rng rng({.seed = 5, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  for (const ObjectiveSpec& spec : AllSpecs()) {
    const TokenBatch whole = RandomBatch(position);
    const Denominators denominators = CountDenominators(whole);
    const ObjectiveResult expected = Evaluate(spec, whole);
    double loss = 0;
    std::vector<double> gradient;
    std::map<std::string, double> stats;
    const size_t sequences = whole.sequence_begin.size() - 1;
    for (size_t first = 0; first < sequences;) {
      const size_t last = first + 1 + rng.Below(sequences - first, position++);
      const auto part = EvaluateObjective(spec, Part(whole, first, last), denominators);
      ASSERT_TRUE(part.ok()) << part.status();
      loss += part->loss;
      gradient.insert(gradient.end(), part->grad_new_logp.begin(), part->grad_new_logp.end());
      for (const auto& [name, value] : part->stats) stats[name] += value;
      first = last;
    }
    EXPECT_NEAR(loss, expected.loss, 1e-13 * (1 + std::abs(expected.loss)));
    EXPECT_EQ(gradient, expected.grad_new_logp) << "a token's gradient does not depend on the split at all";
    for (const auto& [name, value] : expected.stats) EXPECT_NEAR(stats[name], value, 1e-13) << name;
  }
}

TEST(EvaluateObjective, MaskedPositionsMayHoldAnything) {
  for (const ObjectiveSpec& spec : AllSpecs()) {
    const TokenBatch clean = RandomBatch(8);
    TokenBatch dirty = clean;
    for (size_t i = 0; i < dirty.mask.size(); ++i) {
      if (dirty.mask[i] > 0) continue;
      dirty.old_logp[i] = kNan;
      dirty.new_logp[i] = i % 2 == 0 ? kInfinity : kNan;
      dirty.advantage[i] = -kInfinity;
      dirty.rollout_logp[i] = kNan;
    }
    const ObjectiveResult expected = Evaluate(spec, clean), found = Evaluate(spec, dirty);
    EXPECT_EQ(found.loss, expected.loss);
    EXPECT_EQ(found.grad_new_logp, expected.grad_new_logp);
    EXPECT_EQ(found.stats, expected.stats);
  }
}

// A batch with nothing to train, for instance all prompts filtered, is a loss of 0 and not 0/0.
TEST(EvaluateObjective, ABatchWithoutTrainedTokensIsZero) {
  TokenBatch batch = RandomBatch(2);
  std::ranges::fill(batch.mask, 0.0);
  for (const ObjectiveSpec& spec : AllSpecs()) EXPECT_EQ(Evaluate(spec, batch).loss, 0.0);
}

// Token losses 1, 2 (masked), 3 | 5 | masked only. By hand from docs/methods.md 0.2.
TEST(Aggregation, EveryModeFollowsItsFormula) {
  const TokenBatch batch{.mask = {1, 0, 1, 1, 0, 0}, .sequence_begin = {0, 3, 4, 6}};
  const double losses[] = {1, 2, 3, 5, 7, 11};
  const auto total = [&](Aggregation aggregation, Denominators denominators, double horizon) {
    const std::vector<double> weights = AggregationWeights(aggregation, batch, denominators, horizon);
    double sum = 0;
    for (size_t i = 0; i < weights.size(); ++i) sum += weights[i] * losses[i];
    return sum;
  };
  const Denominators own = CountDenominators(batch);
  EXPECT_EQ(own.tokens, 3);
  EXPECT_EQ(own.sequences, 2) << "a sequence whose mask is all zero does not count";
  EXPECT_NEAR(total(Aggregation::kTokenMean, own, 1), 9.0 / 3, 1e-12);
  EXPECT_NEAR(total(Aggregation::kTokenSum, own, 1), 9.0, 1e-12);
  EXPECT_NEAR(total(Aggregation::kSeqMeanTokenSum, own, 1), (4.0 + 5.0) / 2, 1e-12);
  EXPECT_NEAR(total(Aggregation::kSeqMeanTokenSumNorm, own, 8), (4.0 + 5.0) / 2 / 8, 1e-12);
  EXPECT_NEAR(total(Aggregation::kSeqMeanTokenMean, own, 1), (4.0 / 2 + 5.0) / 2, 1e-7);
  const Denominators global{.tokens = 30, .sequences = 10};
  EXPECT_NEAR(total(Aggregation::kTokenMean, global, 1), 9.0 / 30, 1e-12);
  EXPECT_NEAR(total(Aggregation::kSeqMeanTokenMean, global, 1), (4.0 / 2 + 5.0) / 10, 1e-7);
}

TEST(Aggregation, NamesGoThereAndBack) {
  for (const char* name :
       {"token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-sum"}) {
    const auto aggregation = AggregationFromName(name);
    ASSERT_TRUE(aggregation.has_value()) << name;
    EXPECT_EQ(AggregationName(*aggregation), name);
  }
  EXPECT_FALSE(AggregationFromName("token_mean").has_value());
}

TEST(ValidateObjective, NamesTheNearestRightName) {
  const auto message = [](const ObjectiveSpec& spec) {
    return std::string(ValidateObjective(spec).message());
  };
  EXPECT_THAT(message({.name = "flexclip"}), AllOf(HasSubstr("\"flexclip\""), HasSubstr("flex_clip")));
  EXPECT_THAT(message({.name = "ppo_clip", .numbers = {{"eps_hi", 0.2}}}),
              AllOf(HasSubstr("\"eps_hi\""), HasSubstr("did you mean \"eps_high\"")));
  EXPECT_THAT(message({.name = "ppo_clip", .words = {{"p_source", "new"}}}), HasSubstr("\"p_source\""));
  EXPECT_THAT(message({.name = "flex_clip", .words = {{"p_source", "newer"}}}),
              HasSubstr("expected closed, new or old, found \"newer\""));
  EXPECT_THAT(message({.name = "flex_clip", .numbers = {{"p_source", 1.0}}}),
              AllOf(HasSubstr("\"p_source\""), HasSubstr("word")));
}

TEST(ValidateObjective, RefusesWhatIsOutOfRangeAndSaysAllOfIt) {
  const absl::Status status = ValidateObjective(
      {.name = "ppo_clip", .numbers = {{"eps_low", 1.5}, {"eps_high", -0.1}, {"dual_c", 1.0}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("eps_low"), HasSubstr("eps_high"), HasSubstr("dual_c"), HasSubstr("1.5")));
  EXPECT_FALSE(ValidateObjective({.name = "ppo_clip", .numbers = {{"eps_low", kNan}}}).ok());
  EXPECT_TRUE(ValidateObjective({.name = "ppo_clip", .numbers = {{"eps_low", 1.0}, {"eps_high", 0.0}}}).ok());
}

// docs/methods.md 12: u0 >= 0, u0 + u1 >= 0, u1 < 1; 0 <= l0 <= 1, l0 + l1 >= 0, l1 > −1.
TEST(ValidateObjective, RefusesLinesThatCouldExcludeARatioOfOne) {
  const auto upper = [](double intercept, double slope) {
    return ValidateObjective({.name = "flex_clip", .upper = EpsLine{intercept, slope}}).ok();
  };
  const auto lower = [](double intercept, double slope) {
    return ValidateObjective({.name = "flex_clip", .lower = EpsLine{intercept, slope}}).ok();
  };
  EXPECT_TRUE(upper(0.5, -0.5));
  EXPECT_TRUE(upper(0.0, 0.99));
  EXPECT_FALSE(upper(-0.01, 0.5));
  EXPECT_FALSE(upper(0.5, -0.51));
  EXPECT_FALSE(upper(0.5, 1.0));
  EXPECT_FALSE(upper(kInfinity, 0.0)) << "off is written as off, not as a number";
  EXPECT_TRUE(lower(1.0, 0.0));
  EXPECT_TRUE(lower(1.0, -0.99));
  EXPECT_FALSE(lower(1.01, 0.0));
  EXPECT_FALSE(lower(0.3, -0.31));
  EXPECT_FALSE(lower(1.0, -1.0));
  EXPECT_FALSE(
      ValidateObjective({.name = "flex_clip", .numbers = {{"eps_min", 0.4}, {"eps_max", 0.3}}}).ok());
}

TEST(EvaluateObjective, RefusesColumnsThatDoNotFit) {
  TokenBatch batch = RandomBatch(1);
  batch.new_logp.pop_back();
  const auto short_column = EvaluateObjective({.name = "ppo_clip"}, batch, {});
  EXPECT_THAT(std::string(short_column.status().message()), HasSubstr("\"new_logp\": expected"));
  batch = RandomBatch(1);
  batch.rollout_logp.clear();
  const auto missing =
      EvaluateObjective({.name = "ppo_clip", .tis = TruncatedImportanceSampling{}}, batch, {});
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("rollout_logp"));
  batch = RandomBatch(1);
  batch.sequence_begin.back() += 1;
  EXPECT_FALSE(EvaluateObjective({.name = "ppo_clip"}, batch, {}).ok());
}

}  // namespace
}  // namespace entrain
