#include "learner/update_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "common/rng.h"

namespace entrain {
namespace {

using Distribution = std::vector<double>;

double EntropyOf(const Distribution& p) {
  double entropy = 0;
  for (const double x : p) entropy -= x * std::log(x);
  return entropy;
}

double NOf(const Distribution& p) {
  double n = 0;
  for (const double x : p) n += x * x * (std::log(x) + EntropyOf(p));
  return n;
}

// One drawn token of a completion of its own: its old and its present distribution.
struct Token {
  Distribution old_p, new_p;
  size_t drawn = 0;
  double advantage = 0;
};

TokenBatch Columns(const std::vector<Token>& tokens) {
  TokenBatch batch;
  batch.sequence_begin.push_back(0);
  for (const Token& token : tokens) {
    batch.old_logp.push_back(std::log(token.old_p[token.drawn]));
    batch.new_logp.push_back(std::log(token.new_p[token.drawn]));
    batch.advantage.push_back(token.advantage);
    batch.mask.push_back(1);
    batch.old_entropy.push_back(EntropyOf(token.old_p));
    batch.entropy.push_back(EntropyOf(token.new_p));
    batch.old_n.push_back(NOf(token.old_p));
    batch.new_n.push_back(NOf(token.new_p));
    batch.sequence_begin.push_back(static_cast<int64_t>(batch.mask.size()));
  }
  return batch;
}

ObjectiveSpec Box(double eps) {
  return {.name = "ppo_clip", .numbers = {{"eps_low", eps}, {"eps_high", eps}}};
}

void AddMinibatch(const ObjectiveSpec& spec, const TokenBatch& batch, UpdateMetrics& metrics) {
  const Denominators denominators = CountDenominators(batch);
  const auto result = EvaluateObjective(spec, batch, denominators);
  ASSERT_TRUE(result.ok()) << result.status();
  metrics.AddPart(batch, *result, denominators);
}

std::map<std::string, double> OneUpdate(const ObjectiveSpec& spec, const TokenBatch& batch) {
  UpdateMetrics metrics({});
  AddMinibatch(spec, batch, metrics);
  metrics.Keep(1);
  return metrics.Result();
}

void Expect(const std::map<std::string, double>& found, const std::map<std::string, double>& expected) {
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_NEAR(found.at(name), value, 1e-6) << name;
  }
}

// p = (0.8, 0.2): H = −0.8 ln 0.8 − 0.2 ln 0.2 = 0.500402. S of token 0 is 0.8 · (ln 0.8 + H) = 0.221807, of
// token 1 0.2 · (ln 0.2 + H) = −0.221807. N = 0.64 · 0.277259 − 0.04 · 1.109035 = 0.133084, which is the mean
// of S. So S − N is 0.088723 for token 0 and −0.354891 for token 1.
const Distribution kStart = {0.8, 0.2};

TEST(UpdateMetrics, PredictsTheEntropyChangeOfTheFirstUpdate) {
  // At ratio 1 the coefficient is A. Token 0 with A = 1 lowers entropy (E1), token 1 with A = −1 too (E4).
  const auto found = OneUpdate(Box(0.1), Columns({{kStart, kStart, 0, 1}, {kStart, kStart, 1, -1}}));
  Expect(found, {{"entropy/predicted_change", -(0.088723 + 0.354891) / 2},
                 {"entropy/predicted_change_first", -(0.088723 + 0.354891) / 2},
                 {"entropy/predicted_change_clipped", 0},
                 {"region/e1_predicted_change", -0.088723 / 2},
                 {"region/e4_predicted_change", -0.354891 / 2},
                 {"region_exact/e1_predicted_change", -0.088723 / 2},
                 {"region_exact/e4_predicted_change_first", -0.354891 / 2},
                 {"region/e2_predicted_change", 0},
                 {"region/e1_clip_frac", 0},
                 {"ratio/mean", 1},
                 {"ratio/std", 0},
                 {"kl/old_new", 0}});
  EXPECT_EQ(found.at("tokens/effective"), 2);
}

TEST(UpdateMetrics, SaysWhatCuttingLeftOut) {
  // Now (0.9, 0.1): r is 1.125 and 0.5, both outside [0.9, 1.1]. H = 0.325083, N = 0.158200, S = ±0.197750,
  // so S − N is 0.039550 and −0.355950; r·A is 1.125 and −0.5.
  const Distribution now = {0.9, 0.1};
  const auto found = OneUpdate(Box(0.1), Columns({{kStart, now, 0, 1}, {kStart, now, 1, -1}}));
  Expect(found, {{"entropy/predicted_change", 0},
                 {"entropy/predicted_change_clipped", -(1.125 * 0.039550 + 0.5 * 0.355950) / 2},
                 {"region/e1_predicted_change_clipped", -1.125 * 0.039550 / 2},
                 {"region_exact/e4_predicted_change_clipped_first", -0.5 * 0.355950 / 2},
                 {"region/e1_clip_frac", 1},
                 {"region_exact/e4_clip_frac", 1},
                 {"region/e2_clip_frac", 0},
                 {"clip/high_frac", 0.5},
                 {"clip/low_frac", 0.5},
                 {"clip/high_mean_q", 0.8},
                 {"clip/low_mean_q", 0.2},
                 {"clip/high_mean_exp_minus_entropy", 0.606287},  // e^−0.500402
                 {"clip/high_s_below_n_frac", 0},
                 {"clip/low_s_below_n_frac", 1},
                 {"clip/upper_bound_mean", 1.1},
                 {"clip/lower_bound_min", 0.9},
                 {"clip/by_q/0.8_tokens_frac", 0.5},
                 {"clip/by_q/0.8_high_frac", 1},
                 {"clip/by_q/0.8_low_frac", 0},
                 {"clip/by_q/0.2_low_frac", 1},
                 {"clip/by_q/0.5_tokens_frac", 0},
                 {"ratio/mean", 0.8125},
                 {"ratio/std", 0.3125},
                 {"ratio/max", 1.125},
                 {"ratio/q01", 0.5},
                 {"log_ratio/mean", (0.117783 - 0.693147) / 2},  // ln 1.125, ln 0.5
                 {"log_ratio/std", (0.117783 + 0.693147) / 2},
                 {"log_ratio/max", 0.117783},
                 {"kl/old_new_k1", (0.693147 - 0.117783) / 2},
                 {"kl/old_new", (0.125 - 0.117783 - 0.5 + 0.693147) / 2}});
  EXPECT_EQ(found.at("tokens/effective"), 0);
}

// 0 < S < N: probable by the simplified rule, and yet the token raises entropy when it trains with A > 0.
TEST(UpdateMetrics, TheExactRuleTakesTheBandFromE1ToE2) {
  // H = 0.943348; token 1: −ln 0.4 = 0.916291 < H, and S = 0.4 · 0.027057 = 0.010823 < N = 0.093016.
  const Distribution p = {0.5, 0.4, 0.1};
  ASSERT_GT(p[1] * (std::log(p[1]) + EntropyOf(p)), 0);
  ASSERT_LT(p[1] * (std::log(p[1]) + EntropyOf(p)), NOf(p));
  const auto found = OneUpdate(Box(0.1), Columns({{p, p, 1, 1}}));
  EXPECT_GT(found.at("entropy/predicted_change"), 0);
  EXPECT_EQ(found.at("region/e1_predicted_change"), found.at("entropy/predicted_change"));
  EXPECT_EQ(found.at("region_exact/e2_predicted_change"), found.at("entropy/predicted_change"));
}

// The law against the softmax itself: z moves by eta·g·(e_a − p) at every position, entropy is measured anew.
TEST(UpdateMetrics, ThePredictionIsTheSlopeOfTheMeanEntropy) {
  const Rng rng({.seed = 12, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  std::vector<Token> tokens;
  std::vector<std::vector<double>> logits;
  const auto softmax = [](const std::vector<double>& z) {
    double sum = 0;
    Distribution p;
    for (const double x : z) sum += std::exp(x);
    for (const double x : z) p.push_back(std::exp(x) / sum);
    return p;
  };
  for (int i = 0; i < 40; ++i) {
    std::vector<double> before, now;
    for (int j = 0; j < 6; ++j) {
      before.push_back(4 * rng.Uniform(position++));
      now.push_back(before.back() + 0.6 * rng.Uniform(position++));
    }
    logits.push_back(now);
    tokens.push_back({.old_p = softmax(before),
                      .new_p = softmax(now),
                      .drawn = rng.Below(6, position++),
                      .advantage = 4 * rng.Uniform(position++) - 2});
  }
  const TokenBatch batch = Columns(tokens);
  for (const ObjectiveSpec& spec : {Box(0.2), ObjectiveSpec{.name = "sapo"}, ObjectiveSpec{.name = "cispo"},
                                    ObjectiveSpec{.name = "gspo"}}) {
    const auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
    ASSERT_TRUE(result.ok());
    constexpr double kEta = 1e-5;
    double change = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::vector<double> moved = logits[i];
      // Every sequence is one token long: both aggregations weigh a token 1/40.
      const double g = -result->grad_new_logp[i] * 40;
      for (size_t j = 0; j < moved.size(); ++j)
        moved[j] += kEta * g * ((j == tokens[i].drawn ? 1 : 0) - tokens[i].new_p[j]);
      change += (EntropyOf(softmax(moved)) - EntropyOf(tokens[i].new_p)) / 40 / kEta;
    }
    const auto found = OneUpdate(spec, batch);
    EXPECT_NEAR(found.at("entropy/predicted_change"), change, 1e-4) << spec.name;
    double exact = 0, simple = 0;
    for (const char* region : {"e1", "e2", "e3", "e4"}) {
      exact += found.at(std::string("region_exact/") + region + "_predicted_change");
      simple += found.at(std::string("region/") + region + "_predicted_change");
    }
    EXPECT_NEAR(exact, found.at("entropy/predicted_change"), 1e-12) << "no token is in none";
    EXPECT_NEAR(simple, found.at("entropy/predicted_change"), 1e-12);
  }
}

TEST(UpdateMetrics, MeansAreOverTheTokensOfAllUpdatesAndFirstIsTheFirst) {
  const Distribution now = {0.9, 0.1};
  UpdateMetrics metrics({{"dropped/frac", 0.25}});
  AddMinibatch(Box(0.1), Columns({{kStart, kStart, 0, 1}}), metrics);
  metrics.AddPlan({{"cov/mean", 4}}, 1);
  metrics.Keep(3);
  AddMinibatch(Box(0.1), Columns({{kStart, now, 0, 1}, {kStart, now, 1, 1}, {kStart, kStart, 1, 0}}),
               metrics);
  metrics.AddPlan({{"cov/mean", 8}}, 3);
  metrics.Keep(5);
  const auto found = metrics.Result();
  Expect(found, {{"entropy/predicted_change_first", -0.088723},
                 // Token 1 at (0.9, 0.1) with A = 1 trains with r = 0.5.
                 {"entropy/predicted_change", (-0.088723 + 0.5 * 0.355950) / 4},
                 {"entropy/predicted_change_clipped", -1.125 * 0.039550 / 4},
                 {"region/e1_clip_frac", 0.5},
                 {"clip/high_frac", 0.25},
                 {"cov/mean", 7},
                 {"dropped/frac", 0.25},
                 {"grad/norm", 4},
                 {"grad/norm_max", 5}});
  EXPECT_EQ(found.at("tokens/trained"), 4);
  EXPECT_EQ(found.at("tokens/effective"), 2);
}

TEST(UpdateMetrics, AnUpdateThatIsDroppedCountsForNothingElse) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const TokenBatch batch = Columns({{kStart, {0.9, 0.1}, 0, 1}, {kStart, {0.9, 0.1}, 1, -1}});
  TokenBatch broken = batch;
  for (auto* column : {&broken.old_logp, &broken.new_logp, &broken.entropy, &broken.new_n})
    column->assign(2, nan);
  UpdateMetrics metrics({});
  AddMinibatch(Box(0.1), broken, metrics);
  metrics.AddPlan({{"cov/mean", nan}}, 2);
  metrics.Drop();
  AddMinibatch(Box(0.1), batch, metrics);
  metrics.Keep(1);
  AddMinibatch(Box(0.1), broken, metrics);
  metrics.Drop();
  auto expected = OneUpdate(Box(0.1), batch);
  expected["updates/skipped"] = 2;
  EXPECT_EQ(metrics.Result(), expected);
}

TEST(UpdateMetrics, BoundsAndWeightsThatAreNotThereAreNotWritten) {
  const TokenBatch batch = Columns({{kStart, {0.9, 0.1}, 0, 1}});
  const auto off =
      OneUpdate({.name = "ppo_clip",
                 .numbers = {{"eps_low", 1}, {"eps_high", std::numeric_limits<double>::infinity()}}},
                batch);
  for (const char* name : {"clip/upper_bound_mean", "clip/lower_bound_max", "weight/mean"})
    EXPECT_FALSE(off.contains(name)) << name;
  TokenBatch weighed = Columns({{kStart, kStart, 0, 1}, {kStart, kStart, 1, 1}});
  weighed.weight = {0.25, 0.75};
  const auto found = OneUpdate(Box(0.1), weighed);
  Expect(found, {{"weight/mean", 0.5},
                 {"weight/min", 0.25},
                 {"weight/max", 0.75},
                 {"entropy/predicted_change", (-0.25 * 0.088723 + 0.75 * 0.354891) / 2}});
}

// (1 + 0.5)/(1 + 0.25·q) above and (1 − 0.3)/(1 − 0.13·q) below, at q = 0.8 and q = 0.2.
TEST(UpdateMetrics, BoundsOfLinesAreThoseOfTheTokens) {
  const auto found =
      OneUpdate({.name = "flex_clip"}, Columns({{kStart, kStart, 0, 1}, {kStart, kStart, 1, -1}}));
  Expect(found, {{"clip/upper_bound_min", 1.25},
                 {"clip/upper_bound_max", 1.5 / 1.05},
                 {"clip/upper_bound_mean", (1.25 + 1.5 / 1.05) / 2},
                 {"clip/lower_bound_min", 0.7 / (1 - 0.026)},
                 {"clip/lower_bound_max", 0.7 / (1 - 0.104)}});
}

}  // namespace
}  // namespace entrain
