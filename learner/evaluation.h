#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "learner/front_desk.h"

namespace entrain {

// Unbiased pass@k of n completions of which c are correct: 1 − C(n−c, k)/C(n, k). Chen et al. 2021,
// arXiv:2107.03374, eq. 1. 1 ≤ k ≤ n.
double PassAtK(int64_t n, int64_t c, int64_t k);

// `eval/avg_at_1` (mean share of correct completions), `eval/pass_at_K` for every k that every prompt has
// completions for, `eval/prompts`, and `eval/unsolvable`, the number of prompts without any correct
// completion. Correct is the verdict, not the score. Excluded completions do not count.
std::map<std::string, double> EvaluationMetrics(std::span<const CollectedGroup> groups,
                                                const std::vector<int32_t>& ks);

}  // namespace entrain
