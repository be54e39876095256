#pragma once

#include "learner/objective/objective.h"

namespace entrain {

// Advantage shapings of "Decomposing the Entropy-Performance Exchange" (arXiv 2508.02260; docs/methods.md
// 8.1). Both change batch.advantage in place and leave A = 0 at 0.

// A·max(1 − alpha·z, floor), z: the sequence's mean surprisal −old_logp, standardised over all sequences of
// the batch (population deviation + 1e-6).
void ShapeByPerplexity(double alpha, double floor, TokenBatch& batch);

// A + sign(A)·b(rel), rel: 1-based position among the sequence's masked tokens over their number;
// b = gamma·sigmoid(d·rel), or gamma·rel when `linear`.
void ShapeByPosition(double gamma, double d, bool linear, TokenBatch& batch);

}  // namespace entrain
