#pragma once

#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// Truncated importance sampling: constant weights that correct the gap between the policy that drew a token
// and the learner's own numbers (docs/methods.md 10.11): w = exp(clamp(old_logp − rollout_logp, ±20)), per
// token or per sequence (of the masked sum); kTruncate: min(w, cap); kMask: w inside [1/cap, cap], else 0.
// Zero where the mask is.
std::vector<double> TisWeights(const TruncatedImportanceSampling& options, const TokenBatch& batch);

}  // namespace entrain
