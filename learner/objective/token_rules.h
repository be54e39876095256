#pragma once

#include <optional>

#include "learner/objective/method.h"

namespace entrain {

// Surrogates other than the clipped one, one token at a time. Gradients are with respect to new_logp; what a
// paper detaches is constant. Ratios are clamped as in surrogate.h, but
// for GSPO's and KL-Cov's. Sections of docs/methods.md.

inline ImportanceRatio RatioOf(const TokenView& token) {
  return ClampedRatio(token.new_logp - token.old_logp);
}

// GSPO (arXiv 2507.18071; 10.4): the clipped surrogate of the sequence's mean log-ratio, capped at 10; the
// gradient goes to the token.
TokenLoss GspoToken(const TokenView& token, const RatioBounds& bounds);

// CISPO (arXiv 2506.13585; 10.5): −clip(r, lo, hi)·A·new_logp with a constant weight.
TokenLoss CispoToken(const TokenView& token, const RatioBounds& bounds);

// SAPO (arXiv 2511.20347; 10.6): −(4/tau)·sigmoid(tau·(r − 1))·A; tau by the sign of A.
TokenLoss SapoToken(const TokenView& token, double tau_positive, double tau_negative);

// CE-GPPO (arXiv 2509.20712; 10.7): clipped tokens keep the bounded gradient −beta·bound·A.
TokenLoss CeGppoToken(const TokenView& token, const RatioBounds& bounds, double beta1, double beta2,
                      std::optional<double> dual_c);

// ERC (arXiv 2512.05591; 10.8): the clipped surrogate; a token whose entropy ratio (H + 1e-8)/(H_old + 1e-8)
// is not inside (lo, hi) keeps its value and loses its gradient.
TokenLoss ErcToken(const TokenView& token, const RatioBounds& bounds, double lo, double hi,
                   std::optional<double> dual_c);

// ABC-GRPO (arXiv 2601.03895; 10.12): −clip(r)·A without the maximum; a box for each sign of A.
TokenLoss AbcToken(const TokenView& token, const RatioBounds& positive, const RatioBounds& negative);

// KL-Cov (arXiv 2505.22617; 9.2): −A·r, and coef·|ln r| on selected tokens.
TokenLoss KlCovToken(const TokenView& token, double coef);

// DCPO's bounds (arXiv 2509.02333; 10.12) at the old probability q: r(r − 1)q ≤ eps_high above, its mirror
// below, and at most max(cap, 10).
RatioBounds DcpoBounds(double q, double eps_low, double eps_high, double cap);

}  // namespace entrain
