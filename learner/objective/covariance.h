#pragma once

#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// Clip-Cov and KL-Cov (arXiv 2505.22617; docs/methods.md 9): tokens whose (A − mean A)·(new_logp − mean
// new_logp) is large drive entropy down. Means over the batch given: the mini-batch.
std::vector<double> TokenCovariances(const TokenBatch& batch);

// Both selections note the spread of the covariances in batch.found: "cov/mean", "cov/q01", "cov/q50",
// "cov/q99", and Clip-Cov the share "cov/candidates_frac".

// Marks up to max(int(ratio·tokens), 1) tokens, drawn at random among those with lb < covariance < ub that
// the box [1 − eps_low, 1 + eps_high] does not clip.
struct ClipCovOptions {
  double ratio = 2e-4, lb = 1, ub = 5, eps_low = 1, eps_high = 1;
};
void SelectByCovariance(const ClipCovOptions& options, const PlanKey& key, TokenBatch& batch);

// Marks the max(int(ratio·tokens), 1) tokens with the largest covariance; the earlier one of equals.
void SelectLargestCovariance(double ratio, TokenBatch& batch);

}  // namespace entrain
