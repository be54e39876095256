#include "learner/train_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "tests/testing/bigram_network.h"
#include "tests/unit/learner/documented_names.h"

namespace entrain {
namespace {

constexpr int32_t kVocab = 4;

struct Drawn {
  std::vector<TokenId> tokens;
  double score;
};

// Groups of one prompt token each; behaviour log-probs are those of a uniform policy.
CollectedStep Collected(const std::vector<std::vector<Drawn>>& groups) {
  CollectedStep out;
  for (size_t g = 0; g < groups.size(); ++g) {
    CollectedGroup entry{.prompt = {.id = std::to_string(g), .tokens = {static_cast<TokenId>(g % kVocab)}},
                         .group = {.ordinal = static_cast<int64_t>(g)}};
    for (const Drawn& drawn : groups[g]) {
      entry.group.completions.push_back(
          {.index = static_cast<int32_t>(entry.group.completions.size()),
           .tokens = drawn.tokens,
           .behaviour_logprobs =
               std::vector<float>(drawn.tokens.size(), -std::log(static_cast<float>(kVocab))),
           .verdict = {.kind = drawn.score == 1 ? VerdictKind::kCorrect : VerdictKind::kWrong,
                       .score = drawn.score}});
    }
    out.groups.push_back(std::move(entry));
  }
  return out;
}

CollectedStep Uneven() {
  return Collected({{{{1, 2, 3, 1, 0}, 1}, {{2, 0}, 0}, {{3}, 0}},
                    {{{2, 2, 0}, 0}, {{1, 0}, 1}, {{3, 3, 3, 3, 3, 0}, 0}},
                    {{{0}, 0}, {{1, 1}, 1}, {{2, 1, 0}, 1}}});
}

LearnerOptions Options() {
  LearnerOptions options{.seed = 3, .minibatches = 1, .microbatch_tokens = 1000, .grad_clip = 0};
  options.optimizer = {.lr = 0.05, .eps = 1e-3};
  options.objective.name = "ppo_clip";
  return options;
}

ClipBounds Box(double low, double high) {
  return {.upper = ClipLine{.intercept = high}, .lower = ClipLine{.intercept = low}};
}

struct Outcome {
  absl::StatusOr<std::map<std::string, double>> metrics;
  std::vector<float> weights;
};

Outcome Update(const LearnerOptions& options, CollectedStep collected, const ClipBounds& bounds,
               BigramNetwork& network) {
  Optimizer optimizer(options.optimizer, 100, network.parameters().size());
  StepBatch batch = *MakeStepBatch(4, std::move(collected), options);
  EXPECT_TRUE(ScoreOld(network, options, batch).ok());
  Outcome out{.metrics = RunUpdates(network, optimizer, options, {.bounds = bounds}, 4, batch)};
  out.weights.assign(network.parameters().begin(), network.parameters().end());
  return out;
}

Outcome Update(const LearnerOptions& options, CollectedStep collected, const ClipBounds& bounds) {
  BigramNetwork network(kVocab);
  return Update(options, std::move(collected), bounds, network);
}

std::vector<double> AdvantagesOf(const StepBatch& batch) {
  std::vector<double> out;
  for (const StepItem& item : batch.items) out.push_back(item.advantage);
  return out;
}

TEST(MakeStepBatch, DrGrpoSubtractsTheMeanAndNoMore) {
  LearnerOptions options = Options();
  options.advantage = AdvantageKind::kDrGrpo;
  const auto batch =
      MakeStepBatch(0, Collected({{{{1}, 1}, {{2}, 0}, {{3}, 0}, {{3}, 0}}, {{{1}, 1}, {{2}, 1}}}), options);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(AdvantagesOf(*batch), (std::vector<double>{0.75, -0.25, -0.25, -0.25, 0, 0}));
}

TEST(MakeStepBatch, GrpoDividesByTheUnbiasedDeviation) {
  const auto batch = MakeStepBatch(0, Collected({{{{1}, 1}, {{2}, 0}, {{3}, 0}, {{3}, 0}}}), Options());
  ASSERT_TRUE(batch.ok());
  EXPECT_NEAR(batch->items[0].advantage, 0.75 / (0.5 + 1e-6), 1e-12);  // variance 0.75 / 3
  EXPECT_NEAR(batch->items[1].advantage, -0.25 / (0.5 + 1e-6), 1e-12);
}

TEST(MakeStepBatch, RandomRewardsAreCoinsThatIgnoreTheScore) {
  LearnerOptions options = Options();
  options.reward = RewardKind::kRandom;
  const std::vector<Drawn> wrong(500, {{1}, 0}), right(500, {{1}, 1});
  const auto first = MakeStepBatch(0, Collected({wrong}), options);
  const auto again = MakeStepBatch(0, Collected({right}), options);
  const auto other_step = MakeStepBatch(1, Collected({wrong}), options);
  double ones = 0, differ = 0;
  for (size_t i = 0; i < 500; ++i) {
    EXPECT_EQ(first->items[i].reward, again->items[i].reward);
    ones += first->items[i].reward;
    differ += first->items[i].reward != other_step->items[i].reward ? 1 : 0;
  }
  EXPECT_NEAR(ones, 250, 56);  // five standard deviations of a fair coin
  EXPECT_NEAR(differ, 250, 56);
}

TEST(MakeStepBatch, TheOverlongPenaltyMovesTheRewardAndNotTheScore) {
  LearnerOptions options = Options();
  options.advantage = AdvantageKind::kDrGrpo;
  options.overlong = OverlongOptions{.max = 4, .cache = 2};
  const auto batch = MakeStepBatch(0, Collected({{{{1, 1}, 1}, {{2, 2, 2}, 1}, {{3, 3, 3, 3}, 0}}}), options);
  ASSERT_TRUE(batch.ok()) << batch.status();
  // Rewards 1, 1 − 1/2, 0 − 1; their mean is 1/6.
  EXPECT_DOUBLE_EQ(batch->items[0].reward, 1);
  EXPECT_DOUBLE_EQ(batch->items[1].reward, 0.5);
  EXPECT_DOUBLE_EQ(batch->items[2].reward, -1);
  EXPECT_NEAR(batch->items[1].advantage, 0.5 - 0.5 / 3, 1e-12);
  EXPECT_EQ(*batch->items[1].completion->verdict.score, 1);
  EXPECT_DOUBLE_EQ(batch->items[1].group_accuracy, 2.0 / 3);
}

TEST(PlanMicrobatches, KeepsPaddedSizesWithinTheLimitAndLongOnesAlone) {
  const auto batch = MakeStepBatch(0, Uneven(), Options());
  std::vector<size_t> order(batch->items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<size_t> seen;
  for (const auto& part : PlanMicrobatches(*batch, order, 6)) {
    size_t longest = 0;
    for (const size_t item : part) {
      longest = std::max(longest, 1 + batch->items[item].completion->tokens.size());
      seen.push_back(item);
    }
    EXPECT_TRUE(longest * part.size() <= 6 || part.size() == 1);
  }
  EXPECT_EQ(seen, order);
}

// The loss as methods.md 0.3 says it, differentiated numerically in double: −(1/T) sum A · p_new / p_old.
TEST(RunUpdates, ItsFirstGradientIsThatOfTheLoss) {
  const auto batch = MakeStepBatch(4, Uneven(), Options());
  std::vector<float> start(kVocab * kVocab);
  for (size_t i = 0; i < start.size(); ++i) start[i] = 0.3f * static_cast<float>(std::sin(1.0 + i));
  const auto log_p = [](const std::vector<double>& table, TokenId last, TokenId token) {
    double sum = 0;
    for (int j = 0; j < kVocab; ++j) sum += std::exp(table[static_cast<size_t>(last * kVocab + j)]);
    return table[static_cast<size_t>(last * kVocab + token)] - std::log(sum);
  };
  const std::vector<double> old(start.begin(), start.end());
  const auto loss = [&](const std::vector<double>& table) {
    double total = 0;
    for (const StepItem& item : batch->items) {
      TokenId last = item.prompt->tokens.back();
      for (const TokenId token : item.completion->tokens) {
        total -= item.advantage * std::exp(log_p(table, last, token) - log_p(old, last, token));
        last = token;
      }
    }
    return total / static_cast<double>(batch->tokens);
  };
  double squares = 0;
  for (size_t i = 0; i < old.size(); ++i) {
    std::vector<double> up = old, down = old;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    squares += std::pow((loss(up) - loss(down)) / 2e-5, 2);
  }
  BigramNetwork network(kVocab);
  std::ranges::copy(start, network.parameters().begin());
  const Outcome outcome = Update(Options(), Uneven(), Box(0.2, 0.2), network);
  ASSERT_TRUE(outcome.metrics.ok()) << outcome.metrics.status();
  EXPECT_NEAR(outcome.metrics->at("grad/norm"), std::sqrt(squares), 1e-6);
  EXPECT_NEAR(outcome.metrics->at("loss/mean"), loss(old), 1e-6);
}

class EveryAggregation : public testing::TestWithParam<Aggregation> {};

TEST_P(EveryAggregation, SplittingIntoMicrobatchesChangesNothingBeyondRounding) {
  LearnerOptions options = Options();
  options.minibatches = 2;
  options.epochs = 2;
  options.objective.aggregation = GetParam();
  const Outcome whole = Update(options, Uneven(), Box(0.02, 0.02));
  for (const int64_t tokens : {1, 8, 13}) {
    options.microbatch_tokens = tokens;
    const Outcome split = Update(options, Uneven(), Box(0.02, 0.02));
    ASSERT_TRUE(split.metrics.ok()) << split.metrics.status();
    for (const auto& [name, value] : *whole.metrics)
      EXPECT_NEAR(split.metrics->at(name), value, 1e-5) << name << " at " << tokens;
    for (size_t i = 0; i < whole.weights.size(); ++i)
      EXPECT_NEAR(split.weights[i], whole.weights[i], 1e-5) << i << " at " << tokens;
  }
}

INSTANTIATE_TEST_SUITE_P(RunUpdates, EveryAggregation,
                         testing::Values(Aggregation::kTokenMean, Aggregation::kSeqMeanTokenMean,
                                         Aggregation::kSeqMeanTokenSum, Aggregation::kSeqMeanTokenSumNorm,
                                         Aggregation::kTokenSum));

// Advantages of one sign are two regions: with E3 and E4 masked the wrong completions do not count, as if
// their advantage were 0. What a mini-batch is split into does not matter.
TEST(RunUpdates, AMaskedRegionTrainsNothingWhateverTheMicrobatches) {
  LearnerOptions options = Options();
  options.minibatches = 2;
  options.epochs = 2;
  std::vector<float> start(kVocab * kVocab);
  for (size_t i = 0; i < start.size(); ++i) start[i] = 0.3f * static_cast<float>(std::sin(1.0 + i));
  const auto update = [&](bool masked, int64_t tokens) {
    options.microbatch_tokens = tokens;
    options.objective.regions.masked = {false, false, false, masked, masked};
    BigramNetwork network(kVocab);
    std::ranges::copy(start, network.parameters().begin());
    return Update(options, Uneven(), Box(0.2, 0.2), network);
  };
  const Outcome whole = update(true, 1000), split = update(true, 8);
  ASSERT_TRUE(whole.metrics.ok()) << whole.metrics.status();
  // Right are 5 + 2 + 2 + 3 of the 25 tokens, in each of two epochs.
  EXPECT_EQ(whole.metrics->at("tokens/trained"), 50);
  EXPECT_NEAR(whole.metrics->at("tokens/effective") + 50 * whole.metrics->at("clip/high_frac"), 24, 1e-9);
  EXPECT_NEAR(whole.metrics->at("silent/frac"), 13.0 / 25, 1e-12);
  for (size_t i = 0; i < whole.weights.size(); ++i)
    EXPECT_NEAR(split.weights[i], whole.weights[i], 1e-5) << i;
  EXPECT_NE(update(false, 1000).weights, whole.weights);
}

// Dr.GRPO's horizon is a constant of the run: a batch with a longer completion does not move it.
TEST(RunUpdates, TheConstantHorizonIsTheLongestPossibleCompletionNotTheLongestOfTheBatch) {
  LearnerOptions options = Options();
  options.objective.name = "dr_grpo";
  options.advantage = AdvantageKind::kDrGrpo;
  options.max_tokens = 10;
  // Ratio 1 throughout: the loss is −mean over sequences of length · A / horizon; advantages ½ and −½.
  const Outcome outcome = Update(options, Collected({{{{1, 1, 1, 1}, 1}, {{2}, 0}}}), Box(0.2, 0.2));
  ASSERT_TRUE(outcome.metrics.ok()) << outcome.metrics.status();
  EXPECT_NEAR(outcome.metrics->at("loss/mean"), -(4 * 0.5 - 1 * 0.5) / 2 / 10, 1e-7);
  options.objective.horizon = 5;
  const Outcome given = Update(options, Collected({{{{1, 1, 1, 1}, 1}, {{2}, 0}}}), Box(0.2, 0.2));
  EXPECT_NEAR(given.metrics->at("loss/mean"), -(4 * 0.5 - 1 * 0.5) / 2 / 5, 1e-7);
}

TEST(RunUpdates, TheKlTermDoesNotDependOnMicrobatchesAndItsDialIsRecorded) {
  LearnerOptions options = Options();
  options.objective.kl = ReferenceKl{.coef = 0.1};
  options.epochs = 2;
  const Directive directive{.bounds = Box(0.2, 0.2), .dials = {{"kl_coef", 0.75}}};
  BigramNetwork reference(kVocab);
  for (size_t i = 0; i < reference.parameters().size(); ++i)
    reference.parameters()[i] = 0.5f * static_cast<float>(std::sin(3.0 * static_cast<double>(i)));
  const auto update = [&](int64_t microbatch_tokens) {
    options.microbatch_tokens = microbatch_tokens;
    BigramNetwork network(kVocab);
    Optimizer optimizer(options.optimizer, 100, network.parameters().size());
    StepBatch batch = *MakeStepBatch(4, Uneven(), options);
    EXPECT_TRUE(ScoreOld(network, options, batch).ok());
    EXPECT_TRUE(ScoreReference(reference, options, batch).ok());
    Outcome out{.metrics = RunUpdates(network, optimizer, options, directive, 4, batch)};
    out.weights.assign(network.parameters().begin(), network.parameters().end());
    return out;
  };
  const Outcome whole = update(1000), split = update(7);
  ASSERT_TRUE(whole.metrics.ok()) << whole.metrics.status();
  ASSERT_TRUE(split.metrics.ok()) << split.metrics.status();
  EXPECT_EQ(whole.metrics->at("kl/ref_coef"), 0.75);
  EXPECT_GT(whole.metrics->at("kl/ref_k3"), 0);
  for (const auto& [name, value] : *whole.metrics) EXPECT_NEAR(split.metrics->at(name), value, 1e-5) << name;
  for (size_t i = 0; i < whole.weights.size(); ++i)
    EXPECT_NEAR(split.weights[i], whole.weights[i], 1e-5) << i;
}

// AER's bonus on a policy that is not uniform: entropy has to rise, although nothing is rewarded.
TEST(RunUpdates, AnEntropyBonusReachesTheNetwork) {
  LearnerOptions options = Options();
  options.objective = {.name = "aer", .numbers = {{"alpha", 1.0}}};
  BigramNetwork network(kVocab);
  for (size_t i = 0; i < network.parameters().size(); ++i)
    network.parameters()[i] = static_cast<float>(i % kVocab);
  const std::vector<float> start(network.parameters().begin(), network.parameters().end());
  const Outcome outcome = Update(options, Collected({{{{1}, 0}, {{2}, 0}}}), Box(0.2, 0.2), network);
  ASSERT_TRUE(outcome.metrics.ok()) << outcome.metrics.status();
  EXPECT_GT(outcome.metrics->at("grad/norm"), 0);
  const auto entropy = [](std::span<const float> table) {
    double sum = 0;
    for (const double p : BigramNetwork::Probabilities(table, 0, 1.0)) sum -= p * std::log(p);
    return sum;
  };
  EXPECT_GT(entropy(outcome.weights), entropy(start));
}

class EveryObjective : public testing::TestWithParam<std::string> {};

// With its published box, a KL term and whatever it plans over a mini-batch: it trains, and a selection or a
// weight is that of the mini-batch, not of the part at hand.
TEST_P(EveryObjective, TrainsAndDoesNotDependOnMicrobatches) {
  LearnerOptions options = Options();
  options.minibatches = 2;
  options.epochs = 2;
  options.objective = {.name = GetParam(), .kl = ReferenceKl{.coef = 0.1}};
  for (const std::string& missing : MissingParameters(options.objective))
    options.objective.numbers[missing] = 0.1;
  const bool box = ClipFormOf(options.objective) == ClipForm::kBox;
  const DefaultBox eps = box ? DefaultBoxOf(options.objective) : DefaultBox{};
  const Directive directive{.bounds = Box(eps.eps_low, eps.eps_high)};
  BigramNetwork reference(kVocab);
  const auto update = [&](int64_t microbatch_tokens) {
    options.microbatch_tokens = microbatch_tokens;
    BigramNetwork network(kVocab);
    for (size_t i = 0; i < network.parameters().size(); ++i)
      network.parameters()[i] = 0.8f * static_cast<float>(std::sin(2.0 * static_cast<double>(i)));
    Optimizer optimizer(options.optimizer, 100, network.parameters().size());
    StepBatch batch = *MakeStepBatch(4, Uneven(), options);
    EXPECT_TRUE(ScoreOld(network, options, batch).ok());
    EXPECT_TRUE(ScoreReference(reference, options, batch).ok());
    Outcome out{.metrics = RunUpdates(network, optimizer, options, directive, 4, batch)};
    out.weights.assign(network.parameters().begin(), network.parameters().end());
    return out;
  };
  const Outcome whole = update(1000);
  ASSERT_TRUE(whole.metrics.ok()) << whole.metrics.status();
  EXPECT_GT(whole.metrics->at("grad/norm"), 0);
  EXPECT_EQ(whole.metrics->at("updates/done"), 4);
  for (const int64_t tokens : {1, 9}) {
    const Outcome split = update(tokens);
    ASSERT_TRUE(split.metrics.ok()) << split.metrics.status();
    for (const auto& [name, value] : *whole.metrics)
      EXPECT_NEAR(split.metrics->at(name), value, 1e-5 * std::max(1.0, std::abs(value))) << name;
    for (size_t i = 0; i < whole.weights.size(); ++i)
      EXPECT_NEAR(split.weights[i], whole.weights[i], 1e-5) << i << " at " << tokens;
  }
}

std::vector<std::string> ObjectiveNames() {
  std::vector<std::string> names;
  for (const ObjectiveInfo& info : RegisteredObjectives()) names.push_back(info.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(RunUpdates, EveryObjective, testing::ValuesIn(ObjectiveNames()),
                         [](const auto& one) { return one.param; });

// Two completions of one token, one right, one wrong, under a uniform policy. The first update finds ratio 1;
// afterwards the right token is above and the wrong one below it.
TEST(RunUpdates, CountsClippedTokensOverAllUpdates) {
  LearnerOptions options = Options();
  options.epochs = 2;
  const Outcome tight = Update(options, Collected({{{{1}, 1}, {{2}, 0}}}), Box(0, 0));
  ASSERT_TRUE(tight.metrics.ok()) << tight.metrics.status();
  EXPECT_DOUBLE_EQ(tight.metrics->at("clip/high_frac"), 0.25);  // one of four token updates
  EXPECT_DOUBLE_EQ(tight.metrics->at("clip/low_frac"), 0.25);
  EXPECT_NEAR(tight.metrics->at("clip/high_mean_q"), 0.25, 1e-6);
  EXPECT_EQ(tight.metrics->at("tokens/trained"), 4);
  EXPECT_EQ(tight.metrics->at("tokens/effective"), 2);
  const Outcome off = Update(options, Collected({{{{1}, 1}, {{2}, 0}}}), {});
  ASSERT_TRUE(off.metrics.ok()) << off.metrics.status();
  EXPECT_EQ(off.metrics->at("clip/high_frac"), 0);
  EXPECT_EQ(off.metrics->at("clip/low_frac"), 0);
  EXPECT_NE(off.weights, tight.weights);
}

TEST(RunUpdates, LinesAreThoseOfTheDirective) {
  LearnerOptions options = Options();
  options.epochs = 2;
  options.objective.name = "flex_clip";
  // At p = 1/4: eps_plus = 0.5 − 2 · 0.25 = 0, so that the right token is clipped as soon as it has moved;
  // eps_minus = 1 never clips.
  const ClipBounds bounds{.upper = ClipLine{.intercept = 0.5, .slope = -2},
                          .lower = ClipLine{.intercept = 1}};
  options.objective.words["p_source"] = "old";
  const Outcome outcome = Update(options, Collected({{{{1}, 1}, {{2}, 0}}}), bounds);
  ASSERT_TRUE(outcome.metrics.ok()) << outcome.metrics.status();
  EXPECT_DOUBLE_EQ(outcome.metrics->at("clip/high_frac"), 0.25);
  EXPECT_EQ(outcome.metrics->at("clip/low_frac"), 0);
}

// Whatever the objective: no name that docs/metrics.md does not explain, no number that is not one.
TEST(RunUpdates, EveryNameOfEveryObjectiveIsDocumented) {
  const std::set<std::string> documented = DocumentedNames();
  std::set<std::string> state = DocumentedNames("Method state");
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    LearnerOptions options = Options();
    options.epochs = 2;
    options.objective = {.name = info.name};
    for (const std::string& parameter : MissingParameters(options.objective))
      options.objective.numbers[parameter] = 0.1;
    if (info.name == "ppo_clip") {
      options.objective.tis = TruncatedImportanceSampling{};
      options.objective.regions.masked[4] = true;
    }
    const Outcome outcome = Update(options, Uneven(), Box(0.1, 0.1));
    ASSERT_TRUE(outcome.metrics.ok()) << info.name << ": " << outcome.metrics.status();
    for (const auto& [name, value] : *outcome.metrics) {
      EXPECT_TRUE(documented.contains(name)) << info.name << " writes " << name;
      EXPECT_TRUE(std::isfinite(value)) << info.name << " " << name;
      state.erase(name);
    }
  }
  EXPECT_EQ(state, std::set<std::string>{}) << "documented and written by no objective";
}

TEST(RunUpdates, RefusesSlopedLinesForABox) {
  const Outcome outcome = Update(Options(), Uneven(), {.upper = ClipLine{.intercept = 0.5, .slope = -0.25}});
  EXPECT_TRUE(absl::IsFailedPrecondition(outcome.metrics.status())) << outcome.metrics.status();
}

TEST(ApplyDirective, ADialMovesItsParameter) {
  ObjectiveSpec objective{.name = "pos_adv_reweight"};
  const auto spec =
      ApplyDirective(objective, {.bounds = Box(0.1, 0.3), .dials = {{"positive_advantage_weight", 0.25}}});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->numbers.at("lam"), 0.25);
  EXPECT_EQ(spec->numbers.at("eps_low"), 0.1);
  EXPECT_EQ(spec->numbers.at("eps_high"), 0.3);
}

TEST(ApplyDirective, RefusesADialThatTheObjectiveDoesNotTakeOrAValueOutOfRange) {
  const ObjectiveSpec objective{.name = "pos_adv_reweight"};
  const auto unknown = ApplyDirective(objective, {.bounds = Box(0.1, 0.3), .dials = {{"clip_b_mu", 1}}});
  EXPECT_TRUE(absl::IsFailedPrecondition(unknown.status())) << unknown.status();
  EXPECT_NE(unknown.status().message().find("it takes positive_advantage_weight"), absl::string_view::npos);
  const auto outside =
      ApplyDirective(objective, {.bounds = Box(0.1, 0.3), .dials = {{"positive_advantage_weight", 1.5}}});
  EXPECT_TRUE(absl::IsFailedPrecondition(outside.status())) << outside.status();
  EXPECT_NE(outside.status().message().find("0 to 1"), absl::string_view::npos) << outside.status();
}

// Every objective without thresholds of a directive keeps those of its parameters.
TEST(ApplyDirective, AnObjectiveWithoutClipFormKeepsItsOwnNumbers) {
  const ObjectiveSpec objective{.name = "dcpo", .numbers = {{"eps_low", 0.1}}};
  const auto spec = ApplyDirective(objective, {.bounds = Box(0.3, 0.4)});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->numbers, objective.numbers);
}

TEST(RunUpdates, SkipsAndCountsAnUpdateWhoseGradientIsNotFinite) {
  LearnerOptions options = Options();
  options.minibatches = 3;
  BigramNetwork network(kVocab);
  network.SpoilGradients([](int64_t call) { return call == 2; });
  const Outcome outcome = Update(options, Uneven(), Box(0.2, 0.2), network);
  ASSERT_TRUE(outcome.metrics.ok()) << outcome.metrics.status();
  EXPECT_EQ(outcome.metrics->at("updates/skipped"), 1);
  EXPECT_EQ(outcome.metrics->at("updates/done"), 2);
  for (const auto& [name, value] : *outcome.metrics) EXPECT_TRUE(std::isfinite(value)) << name;
  for (const float weight : outcome.weights) EXPECT_TRUE(std::isfinite(weight));
}

TEST(RunUpdates, IsAbortedWithTheWeightsAsTheyWereWhenNoUpdateIsFinite) {
  BigramNetwork network(kVocab);
  network.SpoilGradients([](int64_t) { return true; });
  const Outcome outcome = Update(Options(), Uneven(), Box(0.2, 0.2), network);
  EXPECT_TRUE(absl::IsAborted(outcome.metrics.status())) << outcome.metrics.status();
  EXPECT_EQ(outcome.weights, std::vector<float>(kVocab * kVocab, 0.0f));
}

TEST(RunUpdates, IsAbortedWhenTheLossIsNotFinite) {
  BigramNetwork network(kVocab);
  std::ranges::fill(network.parameters(), std::numeric_limits<float>::quiet_NaN());
  const Outcome outcome = Update(Options(), Uneven(), Box(0.2, 0.2), network);
  EXPECT_TRUE(absl::IsAborted(outcome.metrics.status())) << outcome.metrics.status();
}

TEST(RunUpdates, AnotherSeedPermutesAnotherWay) {
  LearnerOptions options = Options();
  options.minibatches = 3;
  const Outcome first = Update(options, Uneven(), Box(0.2, 0.2));
  EXPECT_EQ(Update(options, Uneven(), Box(0.2, 0.2)).weights, first.weights);
  options.seed = 4;
  EXPECT_NE(Update(options, Uneven(), Box(0.2, 0.2)).weights, first.weights);
}

}  // namespace
}  // namespace entrain
