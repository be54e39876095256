// What clipping does to entropy when the reward is random (arXiv 2509.26114; docs/methods.md 7.2 and 13.5): a
// softmax over 40 actions, rewards ±1 that ignore the action, the project's own clipped surrogate.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/rng.h"
#include "learner/objective/objective.h"

namespace entrain {
namespace {

constexpr size_t kActions = 40;
constexpr size_t kDraws = 512;
constexpr double kOff = std::numeric_limits<double>::infinity();

struct Clipping {
  double eps_low = 1;  // off
  double eps_high = kOff;
};

struct Setting {
  Clipping clipping;
  bool natural = true;  // natural policy gradient: the logit update is divided by p
  double lr = 0.05;
  int steps = 40;
  int seeds = 3;
};

std::vector<double> LogSoftmax(const std::vector<double>& z) {
  double sum = 0;
  for (const double value : z) sum += std::exp(value);
  std::vector<double> out;
  for (const double value : z) out.push_back(value - std::log(sum));
  return out;
}

// One rollout batch as a mini-batch: 512 completions of one token.
struct Draws {
  std::vector<size_t> actions;
  TokenBatch batch;
};

Draws Draw(const Rng& rng, uint64_t& position, const std::vector<double>& log_p) {
  Draws draws;
  for (size_t i = 0; i < kDraws; ++i) {
    double u = rng.Uniform(position++);
    size_t action = 0;
    while (action + 1 < kActions && u >= std::exp(log_p[action])) u -= std::exp(log_p[action++]);
    draws.actions.push_back(action);
    draws.batch.old_logp.push_back(log_p[action]);
    draws.batch.advantage.push_back(rng.Uniform(position++) < 0.5 ? -1.0 : 1.0);
    draws.batch.sequence_begin.push_back(static_cast<int64_t>(i));
  }
  draws.batch.sequence_begin.push_back(kDraws);
  draws.batch.mask.assign(kDraws, 1.0);
  double mean = 0, variance = 0;
  for (const double a : draws.batch.advantage) mean += a / kDraws;
  for (const double a : draws.batch.advantage) variance += (a - mean) * (a - mean) / kDraws;
  for (double& a : draws.batch.advantage) a = (a - mean) / std::sqrt(variance);
  return draws;
}

// −d loss / d ln p of every action, summed over the draws: the mean of g.
std::vector<double> Coefficients(const Draws& draws, const Clipping& clipping) {
  const ObjectiveSpec spec{.name = "ppo_clip",
                           .numbers = {{"eps_low", clipping.eps_low}, {"eps_high", clipping.eps_high}}};
  const auto result = EvaluateObjective(spec, draws.batch, CountDenominators(draws.batch));
  EXPECT_TRUE(result.ok()) << result.status();
  std::vector<double> out(kActions, 0.0);
  for (size_t i = 0; i < kDraws; ++i) out[draws.actions[i]] -= result->grad_new_logp[i];
  return out;
}

// The first-order entropy change that clipping adds, over rollout batches of 8 updates each: what the clipped
// tokens would have done, taken away. Mean over the seeds.
double ClipInducedChange(const Setting& setting) {
  double induced = 0;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(setting.seeds); ++seed) {
    const Rng rng({.seed = seed, .purpose = RngPurpose::kData});
    uint64_t position = 0;
    std::vector<double> z;
    for (size_t i = 0; i < kActions; ++i) z.push_back(1.2 * rng.Normal(position++));
    for (int step = 0; step < setting.steps; ++step) {
      Draws draws = Draw(rng, position, LogSoftmax(z));
      for (int inner = 0; inner < 8; ++inner) {
        const std::vector<double> log_p = LogSoftmax(z);
        draws.batch.new_logp.clear();
        for (const size_t action : draws.actions) draws.batch.new_logp.push_back(log_p[action]);
        const std::vector<double> kept = Coefficients(draws, setting.clipping), all = Coefficients(draws, {});
        double entropy = 0, n = 0, sum = 0, mean = 0;
        for (const double value : log_p) entropy -= std::exp(value) * value;
        for (const double value : log_p) n += std::exp(2 * value) * (value + entropy);
        for (size_t a = 0; a < kActions; ++a) {
          const double clipped = all[a] - kept[a], p = std::exp(log_p[a]);
          // dH of a coefficient c: −c (S − N) for dz = c (e_a − p), −c (ln p + H) for dz = c e_a / p.
          induced += setting.lr * clipped *
                     (setting.natural ? log_p[a] + entropy : p * (log_p[a] + entropy) - n) / setting.seeds;
          sum += kept[a];
          mean += setting.natural ? kept[a] : 0.0;
        }
        for (size_t a = 0; a < kActions; ++a) {
          const double p = std::exp(log_p[a]);
          z[a] += setting.lr * (setting.natural ? kept[a] / p - mean : kept[a] - sum * p);
        }
      }
    }
  }
  return induced;
}

// The natural gradient moves improbable actions most, as in language models: they are what is clipped.
TEST(RandomRewardBandit, UpperClippingLowersEntropyAndLowerClippingRaisesIt) {
  EXPECT_LT(ClipInducedChange({.clipping = {.eps_high = 0.1}}), -0.05);
  EXPECT_GT(ClipInducedChange({.clipping = {.eps_low = 0.1}}), 0.05);
}

// The plain gradient moves probable actions most, whose score is above its mean.
TEST(RandomRewardBandit, TheSignsFlipUnderThePlainGradient) {
  Setting plain{.clipping = {.eps_high = 0.1}, .natural = false, .lr = 1.0, .steps = 80, .seeds = 6};
  EXPECT_GT(ClipInducedChange(plain), 0.02);
  plain.clipping = {.eps_low = 0.1};
  EXPECT_LT(ClipInducedChange(plain), -0.02);
}

TEST(RandomRewardBandit, WithoutClippingNothingIsInduced) { EXPECT_EQ(ClipInducedChange({}), 0.0); }

}  // namespace
}  // namespace entrain
