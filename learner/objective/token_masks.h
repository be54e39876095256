#pragma once

#include "learner/objective/objective.h"

namespace entrain {

// Which tokens of a rollout batch train, from quantities of the old policy. Statistics are over the whole
// batch. S = q·(ln q + H), N = E[S] over the vocabulary (docs/methods.md 0.4).

// Clip_B and Clip_V note in batch.found the shares of tokens that they dropped, "dropped/frac",
// "dropped/positive_frac" and "dropped/negative_frac" (sign of A), and mean and deviation of the score they
// went by (S and D), "dropped/score_mean" and "dropped/score_std".

// Clip_B (arXiv 2602.03392; docs/methods.md 2.1): drops tokens with A < 0 and S − mean(S) < −mu·sd(S) from
// the mask, and so from every denominator. Nothing when sd < 1e-12.
void ClipByBatch(double mu, TokenBatch& batch);

// Clip_V (docs/methods.md 2.2): drops tokens with A ≤ 0 and D = N − S > mu·sd(D) from the mask; when that is
// more than max_frac of the tokens, only the max(int(max_frac·tokens), 1) largest D among those with A < 0.
void ClipByVocabulary(double mu, double max_frac, TokenBatch& batch);

// The 80/20 rule (arXiv 2506.01939; docs/methods.md 10.13): weight 0 for tokens whose entropy is below the
// batch's (1 − rho) quantile (linear between neighbours); the denominator stays.
void KeepHighEntropy(double rho, TokenBatch& batch);

// Zeroes the loss of a share `ratio` of the tokens with A > 0, drawn at random: the control of Clip-Cov in
// arXiv 2511.05993 (docs/methods.md 4.3). At least one, if there is one.
void DropPositivesAtRandom(double ratio, const PlanKey& key, TokenBatch& batch);

}  // namespace entrain
