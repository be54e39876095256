#pragma once

#include "learner/objective/objective.h"

namespace entrain {

// STEER (arXiv 2510.10150; docs/methods.md 6.1): weighs tokens down by the size of the entropy change
// v = |A / clamp(q, 1e-8, 1) · x·(1−x)^power·(ln x + H)|, x = clamp(exp(new_logp), 1e-8, 1 − 1e-8), H of the
// old policy; what is not finite counts as 0.
struct SteerOptions {
  bool linear = false;
  double w_min = 0.7;
  double w_max = 1.2;  // of the linear form
  double power = 1;
};

// Multiplies batch.weight: exp(ln(w_min)/max(max v, 0.02)·v) within [w_min, 1], or linear from w_max at the
// smallest v to w_min at the largest. Smallest and largest are of this batch: a mini-batch, or a micro-batch
// to reproduce the released code.
void WeighByEntropyChange(const SteerOptions& options, TokenBatch& batch);

}  // namespace entrain
