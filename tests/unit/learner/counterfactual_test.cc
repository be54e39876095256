#include "learner/counterfactual.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "learner/optimizer.h"
#include "learner/train_step.h"
#include "tests/testing/bigram_network.h"

namespace entrain {
namespace {

constexpr int32_t kVocab = 4;

ClipBounds Box(double low, double high) {
  return {.upper = ClipLine{.intercept = high}, .lower = ClipLine{.intercept = low}};
}

LearnerOptions Options() {
  LearnerOptions options{.seed = 3, .steps = 10, .minibatches = 2, .epochs = 2, .grad_clip = 0};
  options.optimizer = {.lr = 0.1, .eps = 1e-3};
  options.objective.name = "flex_clip";
  return options;
}

CollectedStep Collected() {
  CollectedStep out;
  const std::vector<std::vector<std::pair<std::vector<TokenId>, double>>> groups = {
      {{{1, 2, 3, 1, 0}, 1}, {{2, 0}, 0}, {{3}, 0}}, {{{2, 2, 0}, 0}, {{1, 0}, 1}, {{3, 3, 3, 0}, 0}}};
  for (size_t g = 0; g < groups.size(); ++g) {
    CollectedGroup entry{.prompt = {.id = std::to_string(g), .tokens = {static_cast<TokenId>(g)}},
                         .group = {.ordinal = static_cast<int64_t>(g), .policy_version = 4}};
    for (const auto& [tokens, score] : groups[g]) {
      entry.group.completions.push_back(
          {.index = static_cast<int32_t>(entry.group.completions.size()),
           .tokens = tokens,
           .behaviour_logprobs = std::vector<float>(tokens.size(), -1.4f),
           .verdict = {.kind = score == 1 ? VerdictKind::kCorrect : VerdictKind::kWrong, .score = score}});
    }
    out.groups.push_back(std::move(entry));
  }
  return out;
}

// A step as a train loop would record it: uneven weights, an optimiser that has a history.
RecordedStep Record(const LearnerOptions& options, const ClipBounds& bounds,
                    std::map<std::string, double> dials = {}) {
  std::vector<float> weights(kVocab * kVocab);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = 0.5f * static_cast<float>(std::sin(1.0 + i));
  RecordedStep out{.start = {.seed = options.seed,
                             .next_step = 4,
                             .updates = 16,
                             .snapshots = {WeightsSnapshot::Make(4, weights)},
                             .first_moment = std::vector<float>(weights.size(), 0.01f),
                             .second_moment = std::vector<float>(weights.size(), 0.001f)},
                   .attempt = 1,
                   .collected = Collected(),
                   .directive = {.id = 5, .step = 4, .bounds = bounds, .dials = std::move(dials)}};
  BigramNetwork network(kVocab);
  std::ranges::copy(weights, network.parameters().begin());
  Optimizer optimizer(options.optimizer, TotalUpdates(options), weights.size());
  optimizer.Restore(out.start.updates, out.start.first_moment, out.start.second_moment);
  StepBatch batch = *MakeStepBatch(4, out.collected, options);
  EXPECT_TRUE(ScoreOld(network, options, batch).ok());
  EXPECT_TRUE(RunUpdates(network, optimizer, options, out.directive, 4, batch).ok());
  out.digest_after =
      WeightsSnapshot::Make(5, {network.parameters().begin(), network.parameters().end()})->digest;
  return out;
}

CounterfactualStep Repeat(const RecordedStep& recorded, const LearnerOptions& options,
                          const std::vector<CounterfactualSetting>& settings) {
  BigramNetwork network(kVocab);
  const auto result = RunCounterfactual(recorded, network, options, settings, {});
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(CounterfactualStep{.outcomes = {{}}});
}

TEST(Counterfactual, TheAppliedSettingIsFirstAndMakesTheRecordedWeights) {
  const LearnerOptions options = Options();
  const CounterfactualStep step =
      Repeat(Record(options, Box(0.01, 0.01)), options, {{.name = "off", .bounds = ClipBounds{}}});
  ASSERT_EQ(step.outcomes.size(), 2u);
  EXPECT_EQ(step.step, 4);
  EXPECT_EQ(step.outcomes[0].name, "applied");
  EXPECT_TRUE(step.Repeated());
  EXPECT_NE(step.outcomes[1].digest_after, step.recorded_digest);
}

TEST(Counterfactual, OtherOptionsThanTheRunsAreSeenByTheDigest) {
  LearnerOptions options = Options();
  const RecordedStep recorded = Record(options, Box(0.01, 0.01));
  options.optimizer.lr = 0.11;
  EXPECT_FALSE(Repeat(recorded, options, {}).Repeated());
}

TEST(Counterfactual, ASettingEqualToTheAppliedOneDiffersByNothing) {
  const LearnerOptions options = Options();
  const CounterfactualStep step =
      Repeat(Record(options, Box(0.005, 0.01)), options,
             {{.name = "other", .bounds = ClipBounds{}}, {.name = "same", .bounds = Box(0.005, 0.01)}});
  EXPECT_EQ(step.outcomes[2].entropy_change, step.outcomes[0].entropy_change);
  EXPECT_EQ(step.outcomes[2].entropy_change_by_region, step.outcomes[0].entropy_change_by_region);
  EXPECT_EQ(step.outcomes[2].digest_after, step.recorded_digest);
  EXPECT_NE(step.outcomes[1].entropy_change, step.outcomes[0].entropy_change);
}

// The entropies of the bigram tables before and after, by the definition −Σ p ln p, at every token.
TEST(Counterfactual, TheChangeIsThatOfTheMeanEntropyOnTheSameContexts) {
  const LearnerOptions options = Options();
  const RecordedStep recorded = Record(options, Box(0.1, 0.1));
  BigramNetwork network(kVocab);
  const auto step = RunCounterfactual(recorded, network, options, {}, {});
  ASSERT_TRUE(step.ok()) << step.status();
  const auto mean = [&](std::span<const float> table) {
    double sum = 0, tokens = 0;
    for (const CollectedGroup& entry : recorded.collected.groups) {
      for (const Completion& completion : entry.group.completions) {
        TokenId last = entry.prompt.tokens.back();
        for (const TokenId token : completion.tokens) {
          for (const double p : BigramNetwork::Probabilities(table, last, 1.0)) sum -= p * std::log(p);
          ++tokens;
          last = token;
        }
      }
    }
    return sum / tokens;
  };
  const double before = mean(recorded.start.snapshots[0]->values);
  EXPECT_NEAR(step->entropy_before, before, 1e-6);
  EXPECT_NEAR(step->outcomes[0].entropy_change, mean(network.parameters()) - before, 1e-6);
}

TEST(Counterfactual, TheRegionsAddUpToTheWhole) {
  const LearnerOptions options = Options();
  const CounterfactualStep step = Repeat(Record(options, Box(0.1, 0.1)), options, {});
  const auto& parts = step.outcomes[0].entropy_change_by_region;
  EXPECT_NEAR(std::accumulate(parts.begin(), parts.end(), 0.0), step.outcomes[0].entropy_change, 1e-12);
  EXPECT_NEAR(std::accumulate(step.region_share.begin(), step.region_share.end(), 0.0), 1.0, 1e-12);
  // Every completion of both groups has an advantage, and no two scores tie in an uneven table.
  EXPECT_EQ(step.region_share[0], 0);
}

// Two completions of one token under a uniform policy, one right and one wrong, two updates: the first finds
// ratio 1; in the second the right token is above 1 and the wrong one below.
TEST(Counterfactual, ALowerEpsLowClipsTheWrongTokenAndLeavesTheUpperSideAlone) {
  LearnerOptions options = Options();
  options.minibatches = 1;
  RecordedStep recorded = Record(options, {});
  recorded.collected = {};
  CollectedGroup entry{.prompt = {.tokens = {0}}};
  for (const TokenId token : {1, 2}) {
    entry.group.completions.push_back({.index = token - 1,
                                       .tokens = {token},
                                       .behaviour_logprobs = {-1.4f},
                                       .verdict = {.score = token == 1 ? 1.0 : 0.0}});
  }
  recorded.collected.groups = {entry};
  recorded.start.snapshots = {WeightsSnapshot::Make(4, std::vector<float>(kVocab * kVocab, 0.0f))};
  const CounterfactualStep step =
      Repeat(recorded, options,
             {{.name = "loose", .bounds = ClipBounds{.lower = ClipLine{.intercept = 1}}},
              {.name = "tight", .bounds = ClipBounds{.lower = ClipLine{.intercept = 0}}}});
  const auto& loose = step.outcomes[1].update;
  const auto& tight = step.outcomes[2].update;
  EXPECT_EQ(loose.at("clip/low_frac"), 0);
  EXPECT_DOUBLE_EQ(tight.at("clip/low_frac"), 0.25);  // one of four token updates
  EXPECT_NEAR(tight.at("clip/low_mean_q"), 0.25, 1e-6);
  EXPECT_EQ(loose.at("clip/high_frac"), 0);
  EXPECT_EQ(tight.at("clip/high_frac"), 0);
  EXPECT_EQ(step.outcomes[0].digest_after, step.outcomes[1].digest_after);  // a lower bound of 0 is none
  EXPECT_NE(step.outcomes[2].digest_after, step.outcomes[1].digest_after);
}

TEST(Counterfactual, ADialIsSetOverThoseThatWereApplied) {
  LearnerOptions options = Options();
  options.objective = {.name = "pos_adv_reweight"};
  const RecordedStep recorded = Record(options, Box(0.2, 0.2), {{"positive_advantage_weight", 0.5}});
  const CounterfactualStep step = Repeat(recorded, options,
                                         {{.name = "same", .dials = {{"positive_advantage_weight", 0.5}}},
                                          {.name = "all", .dials = {{"positive_advantage_weight", 1.0}}}});
  EXPECT_TRUE(step.Repeated());
  EXPECT_EQ(step.outcomes[1].digest_after, step.recorded_digest);
  EXPECT_NE(step.outcomes[2].digest_after, step.recorded_digest);
}

TEST(Counterfactual, AnotherObjectiveTakesTheSameBatch) {
  const LearnerOptions options = Options();
  // A line without slope is a box: flex_clip with it is ppo_clip.
  const CounterfactualStep step = Repeat(Record(options, Box(0.1, 0.1)), options,
                                         {{.name = "ppo", .objective = ObjectiveSpec{.name = "ppo_clip"}},
                                          {.name = "sapo", .objective = ObjectiveSpec{.name = "sapo"}}});
  EXPECT_EQ(step.outcomes[1].digest_after, step.recorded_digest);
  EXPECT_NE(step.outcomes[2].digest_after, step.recorded_digest);
}

TEST(Counterfactual, TheStandardSettingsAreThoseThatTheObjectiveCanTake) {
  EXPECT_EQ(StandardSettings({.name = "flex_clip"}).size(), 8u);
  EXPECT_EQ(StandardSettings({.name = "ppo_clip"}).size(), 6u);  // no lines
  EXPECT_TRUE(StandardSettings({.name = "sapo"}).empty());
  for (const CounterfactualSetting& setting : StandardSettings({.name = "ppo_clip"})) {
    EXPECT_TRUE(!setting.bounds->upper.has_value() || setting.bounds->upper->slope == 0);
    EXPECT_TRUE(!setting.bounds->lower.has_value() || setting.bounds->lower->slope == 0);
  }
}

TEST(Counterfactual, ASettingThatDoesNotFitTheObjectiveIsNamed) {
  LearnerOptions options = Options();
  options.objective.name = "ppo_clip";
  BigramNetwork network(kVocab);
  const auto result = RunCounterfactual(
      Record(options, Box(0.1, 0.1)), network, options,
      {{.name = "sloped", .bounds = ClipBounds{.upper = ClipLine{.intercept = 0.5, .slope = -0.25}}}}, {});
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status())) << result.status();
  EXPECT_NE(result.status().message().find("sloped"), absl::string_view::npos);
}

TEST(Counterfactual, RefusesARecordOfAnotherModelOrSeed) {
  LearnerOptions options = Options();
  const RecordedStep recorded = Record(options, Box(0.1, 0.1));
  BigramNetwork other(kVocab + 1), network(kVocab);
  EXPECT_TRUE(absl::IsFailedPrecondition(RunCounterfactual(recorded, other, options, {}, {}).status()));
  options.seed = 4;
  EXPECT_TRUE(absl::IsFailedPrecondition(RunCounterfactual(recorded, network, options, {}, {}).status()));
}

TEST(Counterfactual, StopsBetweenTwoSettings) {
  const LearnerOptions options = Options();
  std::stop_source stop;
  stop.request_stop();
  BigramNetwork network(kVocab);
  const auto result =
      RunCounterfactual(Record(options, Box(0.1, 0.1)), network, options, {}, stop.get_token());
  EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
}

}  // namespace
}  // namespace entrain
