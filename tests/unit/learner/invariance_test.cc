// What a step must not depend on, for every registered objective (docs/methods.md 13.6).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "common/rng.h"
#include "learner/train_step.h"
#include "tests/testing/bigram_network.h"
#include "tests/testing/every_objective.h"

namespace entrain {
namespace {

constexpr int32_t kVocab = 6;

// Eight groups of four completions of 1 to 7 tokens, a third of them right.
CollectedStep RandomStep() {
  const Rng rng({.seed = 9, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  const auto below = [&](uint64_t bound) { return rng.Below(bound, position++); };
  CollectedStep step;
  for (int64_t g = 0; g < 8; ++g) {
    CollectedGroup entry{.prompt = {.id = std::to_string(g), .tokens = {static_cast<TokenId>(below(kVocab))}},
                         .group = {.ordinal = g}};
    for (int32_t i = 0; i < 4; ++i) {
      const bool right = below(3) == 0;
      Completion completion{.index = i,
                            .verdict = {.kind = right ? VerdictKind::kCorrect : VerdictKind::kWrong,
                                        .score = right ? 1.0 : 0.0}};
      for (uint64_t t = 0, length = 1 + below(7); t < length; ++t)
        completion.tokens.push_back(static_cast<TokenId>(below(kVocab)));
      completion.behaviour_logprobs.assign(completion.tokens.size(), -1.8f);
      entry.group.completions.push_back(std::move(completion));
    }
    step.groups.push_back(std::move(entry));
  }
  return step;
}

LearnerOptions Options(const ObjectiveSpec& objective) {
  LearnerOptions options{.seed = 3, .minibatches = 2, .epochs = 3, .microbatch_tokens = 1000, .grad_clip = 0};
  options.optimizer = {.lr = 0.2, .eps = 1e-3};
  options.objective = objective;
  return options;
}

struct Outcome {
  std::map<std::string, double> metrics;
  std::vector<float> weights;
};

Outcome Update(const LearnerOptions& options, CollectedStep collected) {
  BigramNetwork network(kVocab);
  const Rng rng({.seed = 2, .purpose = RngPurpose::kInit});
  for (size_t i = 0; i < network.parameters().size(); ++i)
    network.parameters()[i] = static_cast<float>(rng.Normal(i));
  Optimizer optimizer(options.optimizer, 100, network.parameters().size());
  // Narrow enough that a few updates reach every bound.
  Directive directive{.bounds = {.upper = ClipLine{.intercept = 0.1}, .lower = ClipLine{.intercept = 0.1}}};
  if (ClipFormOf(options.objective) == ClipForm::kLines)
    directive.bounds = {.upper = ClipLine{.intercept = 0.3, .slope = -0.25},
                        .lower = ClipLine{.intercept = 0.04, .slope = -0.03}};
  StepBatch batch = *MakeStepBatch(4, std::move(collected), options);
  EXPECT_TRUE(ScoreOld(network, options, batch).ok());
  const auto metrics = RunUpdates(network, optimizer, options, directive, 4, batch);
  EXPECT_TRUE(metrics.ok()) << metrics.status();
  Outcome out{.metrics = metrics.value_or(std::map<std::string, double>())};
  out.weights.assign(network.parameters().begin(), network.parameters().end());
  return out;
}

double LargestDifference(const Outcome& a, const Outcome& b) {
  double largest = 0;
  for (size_t i = 0; i < a.weights.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.weights[i]) - b.weights[i]));
  return largest;
}

void ExpectEqualBeyondRounding(const Outcome& found, const Outcome& expected, const std::string& what) {
  EXPECT_LT(LargestDifference(found, expected), 2e-5) << what;
  for (const auto& [name, value] : expected.metrics) {
    ASSERT_TRUE(found.metrics.contains(name)) << what << ": " << name;
    EXPECT_NEAR(found.metrics.at(name), value, 2e-5 * std::max(1.0, std::abs(value))) << what << ": " << name;
  }
}

class Invariance : public testing::TestWithParam<ObjectiveSpec> {};
INSTANTIATE_TEST_SUITE_P(Objectives, Invariance, testing::ValuesIn(EveryObjective()),
                         [](const auto& one) { return one.param.name; });

// One completion a part, some, all but a few, all.
TEST_P(Invariance, MicrobatchesChangeNothingBeyondRounding) {
  LearnerOptions options = Options(GetParam());
  const Outcome whole = Update(options, RandomStep());
  for (const int64_t tokens : {1, 16, 40, 90}) {
    options.microbatch_tokens = tokens;
    ExpectEqualBeyondRounding(Update(options, RandomStep()), whole,
                              std::to_string(tokens) + " tokens a part");
  }
}

// The completions of a group and the groups in reverse. One mini-batch, since the order decides what a
// mini-batch holds; all candidates of a draw, since their order decides what is drawn.
TEST_P(Invariance, TheOrderOfCompletionsChangesNothingBeyondRounding) {
  LearnerOptions options = Options(GetParam());
  options.minibatches = 1;
  if (GetParam().name == "random_positive_clip" || GetParam().name == "clip_cov")
    options.objective.numbers["ratio"] = 1;
  CollectedStep reversed = RandomStep();
  std::ranges::reverse(reversed.groups);
  for (CollectedGroup& entry : reversed.groups) std::ranges::reverse(entry.group.completions);
  ExpectEqualBeyondRounding(Update(options, reversed), Update(options, RandomStep()), "reversed");
}

// STEER as released takes the largest change of the part at hand; a part of its own each gives every largest
// token the smallest weight.
TEST(SteerScope, MicroDependsOnTheMicrobatchesAndMiniDoesNot) {
  for (const bool micro : {true, false}) {
    LearnerOptions options = Options({.name = "steer", .words = {{"scope", micro ? "micro" : "mini"}}});
    const Outcome whole = Update(options, RandomStep());
    options.microbatch_tokens = 1;
    const double difference = LargestDifference(Update(options, RandomStep()), whole);
    EXPECT_EQ(difference > 1e-3, micro) << difference;
    EXPECT_EQ(difference < 2e-5, !micro) << difference;
  }
}

// Statistics of the rollout batch (docs/methods.md 2.1, 2.2): what is dropped depends on no mini-batch, and
// so the tokens trained in a step do not either.
TEST(RolloutBatchScope, MasksAreThoseOfTheRolloutBatchWhateverTheMinibatches) {
  for (const ObjectiveSpec& spec : EveryObjective()) {
    if (spec.name != "clip_b" && spec.name != "clip_v") continue;
    LearnerOptions options = Options(spec);
    options.epochs = 1;
    options.minibatches = 1;
    const double whole = Update(options, RandomStep()).metrics.at("tokens/trained");
    options.objective = {.name = "ppo_clip"};
    EXPECT_LT(whole, Update(options, RandomStep()).metrics.at("tokens/trained")) << spec.name;
    options.objective = spec;
    for (const int32_t minibatches : {2, 5, 16}) {
      options.minibatches = minibatches;
      EXPECT_EQ(Update(options, RandomStep()).metrics.at("tokens/trained"), whole)
          << spec.name << " in " << minibatches;
    }
  }
}

// The tests above say something only if the objective does what it is named for on this step: its weights
// differ from those of the clipped surrogate with the same bounds (and that one's from CISPO's).
TEST_P(Invariance, TheObjectiveActsOnThisStep) {
  const char* other = GetParam().name == "ppo_clip" ? "cispo" : "ppo_clip";
  const Outcome own = Update(Options(GetParam()), RandomStep());
  EXPECT_GT(LargestDifference(own, Update(Options({.name = other}), RandomStep())), 1e-4);
}

}  // namespace
}  // namespace entrain
