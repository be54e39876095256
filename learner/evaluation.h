#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/front_desk.h"
#include "policy/network.h"

namespace entrain {

// Unbiased pass@k of n completions of which c are correct: 1 − C(n−c, k)/C(n, k). Chen et al. 2021,
// arXiv:2107.03374, eq. 1. 1 ≤ k ≤ n.
double PassAtK(int64_t n, int64_t c, int64_t k);

// Whether the answer that most of these completions give is correct (majority voting, Wang et al. 2023,
// arXiv:2203.11171). Completions that the verifier calls correct vote for one answer, however they write it;
// the others for what they gave (VoteOf), and those without an answer do not vote. Of answers with equally
// many votes the one that was given first wins. No votes: not correct.
bool MajorityIsCorrect(std::span<const Completion> completions);

// What an evaluation measures, prompt by prompt. A metric is the mean of its column.
struct EvaluationColumns {
  // `eval/avg_at_1`: share of correct completions. Its mean estimates avg@k for every k, from all
  // completions. For every k that every prompt has completions for: `eval/pass_at_K`, and `eval/maj_at_K` of
  // the first k completions (they are independent draws, so that any k would do).
  std::map<std::string, std::vector<double>> values;
  size_t prompts = 0;     // with a completion
  size_t unsolvable = 0;  // of those: without a correct one
};

// Correct is the verdict, not the score. Excluded completions do not count; a prompt without any is left out.
EvaluationColumns EvaluatePrompts(std::span<const CollectedGroup> groups, const std::vector<int32_t>& ks);

// Rollout branching factor (arXiv 2508.02260; docs/methods.md 8): the mean over all completion tokens of the
// number of tokens in the top-p nucleus, p = 0.95, of the distribution that the token was drawn from, at
// `temperature`. `network` holds the weights that generated. Batches of about `microbatch_tokens` tokens.
// InvalidArgument when there is no completion; else as Network::Score.
absl::StatusOr<double> BranchingFactor(Network& network, std::span<const CollectedGroup> groups,
                                       double temperature, int64_t microbatch_tokens);

// The means of EvaluatePrompts, with `eval/prompts` and `eval/unsolvable`.
std::map<std::string, double> EvaluationMetrics(const EvaluationColumns& columns);

}  // namespace entrain
