#pragma once

#include <map>
#include <string>
#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// Truncated importance sampling: constant weights that correct the gap between the policy that drew a token
// and the learner's own numbers (docs/methods.md 10.11): w = exp(clamp(old_logp − rollout_logp, ±20)), per
// token or per sequence (of the masked sum); kTruncate: min(w, cap); kMask: w inside [1/cap, cap], else 0.
// Zero where the mask is.
std::vector<double> TisWeights(const TruncatedImportanceSampling& options, const TokenBatch& batch);

// What the weights w of a batch are like, over its unmasked tokens: "tis/mean" and "tis/ess", the effective
// share of the tokens (sum w)²/(n · sum w²), of the weights in use; "tis/max", the largest before the cap;
// "tis/above_frac" and "tis/below_frac", the shares of tokens whose weight was above the cap and below the
// lowest (absent: 1/cap).
std::map<std::string, double> TisState(const TruncatedImportanceSampling& options, const TokenBatch& batch);

}  // namespace entrain
