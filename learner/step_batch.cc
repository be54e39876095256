#include "learner/step_batch.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/rng.h"
#include "common/status_macros.h"
#include "learner/advantage.h"

namespace entrain {
namespace {

double RewardOf(const LearnerOptions& options, int64_t step, const Group& group,
                const Completion& completion) {
  if (options.reward == RewardKind::kVerifier) return *completion.verdict.score;
  // A fair coin, whatever the completion says: the random-reward experiment of docs/methods.md 7.
  const Rng rng({.seed = options.seed,
                 .purpose = RngPurpose::kRandomReward,
                 .step = static_cast<uint64_t>(step),
                 .ordinal = static_cast<uint64_t>(group.ordinal),
                 .completion = static_cast<uint32_t>(completion.index)});
  return rng.Uniform(0) < 0.5 ? 0.0 : 1.0;
}

double AccuracyOf(const Group& group) {
  const auto correct = std::ranges::count_if(group.completions, [](const Completion& completion) {
    return completion.verdict.kind == VerdictKind::kCorrect;
  });
  return static_cast<double>(correct) / static_cast<double>(std::max<size_t>(group.completions.size(), 1));
}

}  // namespace

absl::StatusOr<StepBatch> MakeStepBatch(int64_t step, CollectedStep collected,
                                        const LearnerOptions& options) {
  StepBatch batch{.collected = std::move(collected)};
  for (const CollectedGroup& entry : batch.collected.groups) {
    std::vector<double> rewards, overlong;
    for (const Completion& completion : entry.group.completions) {
      overlong.push_back(
          options.overlong.has_value()
              ? OverlongPenalty(static_cast<int64_t>(completion.tokens.size()), *options.overlong)
              : 0.0);
      rewards.push_back(RewardOf(options, step, entry.group, completion) + overlong.back());
    }
    ENTRAIN_ASSIGN_OR_RETURN(const std::vector<double> advantages, options.advantage == AdvantageKind::kGrpo
                                                                       ? GrpoAdvantages(rewards)
                                                                       : DrGrpoAdvantages(rewards));
    const double accuracy = AccuracyOf(entry.group);
    for (size_t i = 0; i < rewards.size(); ++i) {
      const Completion& completion = entry.group.completions[i];
      batch.items.push_back({.prompt = &entry.prompt,
                             .completion = &completion,
                             .reward = rewards[i],
                             .overlong = overlong[i],
                             .advantage = advantages[i],
                             .group_accuracy = accuracy,
                             .age = step - entry.group.policy_version,
                             .first = batch.tokens});
      batch.tokens += completion.tokens.size();
    }
  }
  return batch;
}

std::vector<std::vector<size_t>> PlanMicrobatches(const std::vector<size_t>& order,
                                                  const std::function<size_t(size_t)>& length,
                                                  int64_t microbatch_tokens) {
  std::vector<std::vector<size_t>> plan;
  size_t longest = 0;
  for (const size_t item : order) {
    const size_t padded = std::max(longest, length(item)) * (plan.empty() ? 1 : plan.back().size() + 1);
    if (plan.empty() || padded > static_cast<size_t>(microbatch_tokens)) {
      plan.emplace_back();
      longest = 0;
    }
    plan.back().push_back(item);
    longest = std::max(longest, length(item));
  }
  return plan;
}

std::vector<std::vector<size_t>> PlanMicrobatches(const StepBatch& batch, const std::vector<size_t>& order,
                                                  int64_t microbatch_tokens) {
  const auto length = [&](size_t item) {
    return batch.items[item].prompt->tokens.size() + batch.items[item].completion->tokens.size();
  };
  return PlanMicrobatches(order, length, microbatch_tokens);
}

absl::StatusOr<TokenStats> ScoreParts(Network& network, double temperature, const StepBatch& batch,
                                      const std::vector<std::vector<size_t>>& parts) {
  TokenStats out;
  for (const std::vector<size_t>& part : parts) {
    ENTRAIN_ASSIGN_OR_RETURN(const TokenStats stats, network.Score(batch.Sequences(part), temperature));
    const auto append = [](std::vector<float>& to, const std::vector<float>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(out.logprob, stats.logprob);
    append(out.entropy, stats.entropy);
    append(out.s, stats.s);
    append(out.n, stats.n);
  }
  return out;
}

absl::StatusOr<TokenStats> ScoreTokens(Network& network, const LearnerOptions& options,
                                       const StepBatch& batch) {
  std::vector<size_t> order(batch.items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  return ScoreParts(network, options.temperature, batch,
                    PlanMicrobatches(batch, order, options.microbatch_tokens));
}

absl::Status ScoreOld(Network& network, const LearnerOptions& options, StepBatch& batch) {
  ENTRAIN_ASSIGN_OR_RETURN(batch.old, ScoreTokens(network, options, batch));
  return absl::OkStatus();
}

absl::Status ScoreReference(Network& reference, const LearnerOptions& options, StepBatch& batch) {
  ENTRAIN_ASSIGN_OR_RETURN(TokenStats stats, ScoreTokens(reference, options, batch));
  batch.reference_logp = std::move(stats.logprob);
  return absl::OkStatus();
}

}  // namespace entrain
