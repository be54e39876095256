#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/front_desk.h"
#include "learner/learner_options.h"
#include "policy/network.h"

namespace entrain {

// One completion of a step, ready to be trained on.
struct StepItem {
  const Prompt* prompt = nullptr;          // in the CollectedStep
  const Completion* completion = nullptr;  // in the CollectedStep
  double reward = 0;                       // with the overlong penalty
  double overlong = 0;                     // that penalty, ≤ 0
  double advantage = 0;
  double group_accuracy = 0;  // share of `correct` among its group's completions
  int64_t age = 0;            // step − policy version that generated it
  size_t first = 0;           // of its tokens in the columns of `old`
};

// A step's completions in prompt order, their advantages, and the statistics of every completion token under
// the weights at the start of the step.
struct StepBatch {
  CollectedStep collected;
  std::vector<StepItem> items;
  TokenStats old;
  std::vector<float> reference_logp;  // ln p_a of every completion token under the reference model of
                                      // objective.kl; empty without one
  size_t tokens = 0;

  TrainSequence Sequence(size_t item) const {
    return {.prompt = items[item].prompt->tokens, .completion = items[item].completion->tokens};
  }
  std::vector<TrainSequence> Sequences(const std::vector<size_t>& some) const {
    std::vector<TrainSequence> out;
    for (const size_t item : some) out.push_back(Sequence(item));
    return out;
  }
};

// Rewards (score → reward, or random ones; then the overlong penalty, which the score never sees) and group
// advantages. `old` is empty until ScoreOld.
absl::StatusOr<StepBatch> MakeStepBatch(int64_t step, CollectedStep collected, const LearnerOptions& options);

// Runs of consecutive items of `order` whose padded size stays within `microbatch_tokens` (an item that is
// longer stands alone). length(item): tokens of its prompt and completion.
std::vector<std::vector<size_t>> PlanMicrobatches(const std::vector<size_t>& order,
                                                  const std::function<size_t(size_t)>& length,
                                                  int64_t microbatch_tokens);
// `order`: indices of the batch's items.
std::vector<std::vector<size_t>> PlanMicrobatches(const StepBatch& batch, const std::vector<size_t>& order,
                                                  int64_t microbatch_tokens);

// The statistics of the completion tokens of some items under the network's present weights, one part after
// the other.
absl::StatusOr<TokenStats> ScoreParts(Network& network, double temperature, const StepBatch& batch,
                                      const std::vector<std::vector<size_t>>& parts);
// Those of all items, in the order of `old`.
absl::StatusOr<TokenStats> ScoreTokens(Network& network, const LearnerOptions& options,
                                       const StepBatch& batch);

// Fills `old` with them: to be called at the start of the step.
absl::Status ScoreOld(Network& network, const LearnerOptions& options, StepBatch& batch);
// Fills `reference_logp`, at the sampling temperature as `old` is.
absl::Status ScoreReference(Network& reference, const LearnerOptions& options, StepBatch& batch);

}  // namespace entrain
