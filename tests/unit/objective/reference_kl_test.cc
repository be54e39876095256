#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "learner/objective/kl.h"
#include "learner/objective/objective.h"
#include "tests/unit/objective/random_batch.h"

namespace entrain {
namespace {

// A random batch with every column that some objective reads, and a reference on both sides of the policy.
TokenBatch FullBatch(uint64_t seed) {
  TokenBatch batch = RandomBatch(seed);
  const Rng rng({.seed = seed, .purpose = RngPurpose::kData, .step = 1});
  uint64_t position = 0;
  for (const double logp : batch.new_logp) {
    batch.ref_logp.push_back(logp + 3.0 * rng.Uniform(position++) - 1.5);
    batch.old_entropy.push_back(0.1 + rng.Uniform(position++));
    batch.entropy.push_back(0.1 + rng.Uniform(position++));
    batch.old_n.push_back(0.2 * rng.Uniform(position++));
  }
  batch.group_accuracy.assign(batch.sequence_begin.size() - 1, 0.25);
  batch.measured_entropy = 0.1;
  return batch;
}

ObjectiveSpec SpecOf(const std::string& name, std::optional<ReferenceKl> kl) {
  ObjectiveSpec spec{.name = name, .horizon = 20, .kl = kl};
  for (const std::string& missing : MissingParameters(spec)) spec.numbers[missing] = 0.01;
  return spec;
}

ObjectiveResult Evaluated(const ObjectiveSpec& spec, const TokenBatch& batch) {
  auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

// Two sequences of 2 and 1 trained tokens. Sums by hand, with d = ref − new:
//   d = 0.5, −1, 0.2 → k3 = e^d − d − 1, k1 = −d.
TokenBatch ThreeTokens() {
  return {.old_logp = {-1, -2, -1.5},
          .new_logp = {-1, -2, -1.5},
          .advantage = {0, 0, 0},
          .mask = {1, 1, 1},
          .ref_logp = {-0.5, -3, -1.3},
          .sequence_begin = {0, 2, 3}};
}
constexpr double kK3[] = {0.14872127070012814, 0.36787944117144233, 0.02140275816016985};

TEST(ReferenceKl, IsAggregatedAsTheObjectiveIs) {
  const ReferenceKl kl{.coef = 2, .estimator = KlEstimator::kK3};
  ObjectiveSpec spec = SpecOf("ppo_clip", kl);
  EXPECT_NEAR(Evaluated(spec, ThreeTokens()).loss, 2 * (kK3[0] + kK3[1] + kK3[2]) / 3, 1e-12);
  spec.aggregation = Aggregation::kSeqMeanTokenMean;
  EXPECT_NEAR(Evaluated(spec, ThreeTokens()).loss, 2 * ((kK3[0] + kK3[1]) / 2 + kK3[2]) / 2, 1e-7);
  spec.aggregation = Aggregation::kSeqMeanTokenSumNorm;  // horizon 20
  EXPECT_NEAR(Evaluated(spec, ThreeTokens()).loss, 2 * (kK3[0] + kK3[1] + kK3[2]) / 2 / 20, 1e-12);
  spec.aggregation = Aggregation::kTokenSum;
  spec.kl->estimator = KlEstimator::kK1;
  EXPECT_NEAR(Evaluated(spec, ThreeTokens()).loss, 2 * (-0.5 + 1 - 0.2), 1e-12);
}

TEST(ReferenceKl, MeasuresBothEstimatorsWhateverIsTrainedEvenWithCoefficientZero) {
  for (const double coef : {0.0, 1.0}) {
    const auto result = Evaluated(SpecOf("ppo_clip", ReferenceKl{.coef = coef}), ThreeTokens());
    EXPECT_NEAR(result.stats.at("kl/ref_k1"), (-0.5 + 1 - 0.2) / 3, 1e-12);
    EXPECT_NEAR(result.stats.at("kl/ref_k3"), (kK3[0] + kK3[1] + kK3[2]) / 3, 1e-12);
    EXPECT_NEAR(result.loss, coef * (kK3[0] + kK3[1] + kK3[2]) / 3, 1e-12);
  }
  EXPECT_FALSE(Evaluated(SpecOf("ppo_clip", std::nullopt), ThreeTokens()).stats.contains("kl/ref_k3"));
}

// The objective with the term minus the objective without it is a plain function of new_logp, whatever
// gradients the objective itself stops.
TEST(ReferenceKl, ItsGradientIsItsDerivativeBesideEveryObjective) {
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kK3}) {
      const ObjectiveSpec with = SpecOf(info.name, ReferenceKl{.coef = 0.7, .estimator = estimator});
      const ObjectiveSpec without = SpecOf(info.name, std::nullopt);
      const TokenBatch batch = FullBatch(4);
      const auto term = [&](const TokenBatch& at) {
        return Evaluated(with, at).loss - Evaluated(without, at).loss;
      };
      const auto gradient = Evaluated(with, batch).grad_new_logp;
      const auto base = Evaluated(without, batch).grad_new_logp;
      double moved = 0;
      for (size_t i = 0; i < batch.mask.size(); i += 3) {
        TokenBatch up = batch, down = batch;
        up.new_logp[i] += 1e-6;
        down.new_logp[i] -= 1e-6;
        EXPECT_NEAR(gradient[i] - base[i], (term(up) - term(down)) / 2e-6, 1e-6) << info.name << " at " << i;
        moved += std::abs(gradient[i] - base[i]);
      }
      EXPECT_GT(moved, 0) << info.name;
    }
  }
}

TEST(ReferenceKl, HasNoGradientWhereAClampHoldsTheEstimate) {
  EXPECT_EQ(K3Gradient(-10, -1), 0);  // d = 9: e^9 − 10 > 10
  EXPECT_EQ(K3Gradient(-1, -13), 0);  // d = −12: 11 > 10
  EXPECT_EQ(K1Gradient(-1, -22), 0);  // |d| = 21
  EXPECT_EQ(K1Gradient(-1, -13), 1);
  EXPECT_NEAR(K3Gradient(-1, -3), 1 - std::exp(-2.0), 1e-15);
}

// methods.md 10.1: what k1 adds to a policy's own tokens has mean zero; k3 pulls towards the reference.
TEST(ReferenceKl, OnlyK3PullsOnAverage) {
  const double p[] = {0.5, 0.3, 0.2}, q[] = {0.2, 0.3, 0.5};
  double k1 = 0, k3 = 0;  // d/dz_0 of the mean estimate, with d ln p_i / d z_0 = [i = 0] − p_0
  for (int i = 0; i < 3; ++i) {
    const double slope = (i == 0 ? 1 : 0) - p[0];
    k1 += p[i] * K1Gradient(std::log(p[i]), std::log(q[i])) * slope;
    k3 += p[i] * K3Gradient(std::log(p[i]), std::log(q[i])) * slope;
  }
  EXPECT_NEAR(k1, 0, 1e-15);
  EXPECT_GT(k3, 0.1);  // the loss falls when the too probable token 0 becomes less probable
}

// A silenced token of region_mask.h has neither loss nor gradient; it is measured all the same.
TEST(ReferenceKl, LeavesSilencedTokensAlone) {
  const ObjectiveSpec spec = SpecOf("ppo_clip", ReferenceKl{.coef = 2, .estimator = KlEstimator::kK3});
  TokenBatch batch = ThreeTokens();
  batch.silent = {0, 1, 0};
  const ObjectiveResult result = Evaluated(spec, batch);
  EXPECT_NEAR(result.loss, 2 * (kK3[0] + kK3[2]) / 3, 1e-12);
  EXPECT_NE(result.grad_new_logp[0], 0);
  EXPECT_EQ(result.grad_new_logp[1], 0);
  EXPECT_NEAR(result.stats.at("kl/ref_k3"), (kK3[0] + kK3[1] + kK3[2]) / 3, 1e-12);
}

TEST(ReferenceKl, MaskedPositionsMayHoldAnything) {
  const ObjectiveSpec spec = SpecOf("ppo_clip", ReferenceKl{.coef = 0.5});
  TokenBatch batch = FullBatch(5);
  const ObjectiveResult clean = Evaluated(spec, batch);
  const double bad[] = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (!(batch.mask[i] > 0)) batch.ref_logp[i] = batch.new_logp[i] = bad[i % 3];
  }
  const ObjectiveResult dirty = Evaluated(spec, batch);
  EXPECT_EQ(dirty.loss, clean.loss);
  EXPECT_EQ(dirty.grad_new_logp, clean.grad_new_logp);
  EXPECT_EQ(dirty.stats, clean.stats);
}

TEST(ReferenceKl, ItsColumnMustBeThere) {
  TokenBatch batch = FullBatch(6);
  batch.ref_logp.pop_back();
  const auto result = EvaluateObjective(SpecOf("ppo_clip", ReferenceKl{}), batch, CountDenominators(batch));
  EXPECT_TRUE(absl::IsInvalidArgument(result.status()));
  EXPECT_NE(result.status().message().find("ref_logp"), absl::string_view::npos) << result.status();
}

TEST(ReferenceKl, EveryObjectiveTakesItsDialAndOnlyThen) {
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    ObjectiveSpec spec = SpecOf(info.name, std::nullopt);
    EXPECT_FALSE(TurnDial(spec, "kl_coef", 1)) << info.name;
    spec.kl = ReferenceKl{};
    const std::vector<std::string> dials = DialsOf(spec);
    EXPECT_TRUE(std::ranges::is_sorted(dials));
    EXPECT_TRUE(std::ranges::count(dials, "kl_coef") == 1) << info.name;
    EXPECT_TRUE(TurnDial(spec, "kl_coef", 0.25));
    EXPECT_EQ(spec.kl->coef, 0.25);
    spec.kl->coef = -1;
    EXPECT_NE(ValidateObjective(spec).message().find("0 or more"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace entrain
