#pragma once

#include <limits>
#include <optional>

#include "learner/objective/clip_bounds.h"

namespace entrain {

// The log-ratio is clamped to ±20 before it is exponentiated (docs/methods.md 0.1); beyond, the ratio has no
// gradient.
inline constexpr double kLogRatioClamp = 20.0;

// An importance ratio, and whether it moves with new_logp.
struct ImportanceRatio {
  double value = 1;
  bool moves = true;
};
ImportanceRatio ClampedRatio(double log_ratio);
// Without that clamp, as DCPO, Clip-Cov and KL-Cov were published; still a finite number.
ImportanceRatio FreeRatio(double log_ratio);

// Loss of one token, its derivative with respect to new_logp, and which bound acted.
struct TokenLoss {
  double loss = 0;
  double gradient = 0;
  double ratio = 1;
  bool clipped_high = false;  // A > 0 and r > hi
  bool clipped_low = false;   // A < 0 and r < lo
  bool clipped_dual = false;  // A < 0 and r > dual_c
  // What r was held to; 0 and infinity: nothing.
  RatioBounds bounds{.lo = 0, .hi = std::numeric_limits<double>::infinity()};
  bool detached = false;  // lost its gradient to a gate that is no bound of r (ERC)
};

// The clipped surrogate (Schulman et al. 2017, arXiv:1707.06347 eq. 7, as a loss; docs/methods.md 0.3):
// max(−A·r, −A·clip(r, lo, hi)), and for A < 0 at most −A·dual_c (Ye et al. 2020). At r == hi and r == lo the
// token still trains.
TokenLoss ClippedSurrogate(const ImportanceRatio& ratio, double advantage, const RatioBounds& bounds,
                           std::optional<double> dual_c);

}  // namespace entrain
