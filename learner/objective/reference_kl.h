#pragma once

#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// Adds coef · k(new, ref) to the loss of every token that the objective trains (mask above 0), aggregated by
// `weights` (AggregationWeights: the objective's own, so that parts of a mini-batch add up), and its gradient
// to grad_new_logp. Weights of the method and of importance sampling do not touch it. Adds the statistics
// "kl/ref_k1" and "kl/ref_k3": means over the denominators' tokens, whichever of the two is trained.
// docs/methods.md 10.1 (GRPO's β·k3).
void AddReferenceKl(const ReferenceKl& kl, const TokenBatch& batch, const Denominators& denominators,
                    const std::vector<double>& weights, ObjectiveResult& result);

}  // namespace entrain
