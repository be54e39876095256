#pragma once

#include "learner/objective/objective.h"

namespace entrain {

// The four-region experiment of arXiv 2602.09782 (docs/methods.md 1.1): tokens of the masked regions lose
// their gradient for the whole step. The paper leaves open what becomes of them otherwise; here they leave
// the loss and stay in every denominator, so that the other tokens keep their weight: silent[i] = 1.
//
// Regions are those of the old policy and of the advantage before any shaping, by either rule of regions.h (S
// computed from old_logp and old_entropy). Needs old_entropy, and old_n for the exact rule. Nothing when no
// region is masked.
void SilenceRegions(const RegionMask& mask, TokenBatch& batch);

}  // namespace entrain
