#pragma once

#include <optional>

#include "learner/objective/objective.h"

namespace entrain {

// Absolute bounds of the importance ratio r at one token: [lo, hi]. A side that is off is 0 or infinity.
struct RatioBounds {
  double lo = 0;
  double hi = 0;
};

// Where the probability of a line's eps(p) is taken from (docs/methods.md 1.2, 1.7).
enum class PSource {
  kClosed,  // solved for r in the old probability q: hi = (1 + u0)/(1 − u1·q), lo = (1 − l0)/(1 + l1·q); the
            // clip mask of kNew, and no gradient through p
  kNew,  // eps at the current probability, held constant
  kOld,  // eps at the old probability: an approximation, another box than the paper's
};

// Bounds of a pair of lines (arXiv 2602.09782, eq. of section 3; docs/methods.md 1.3). `q` = exp(old_logp),
// `p` = exp(new_logp). eps is clamped to [eps_min, eps_max] for kNew and kOld.
RatioBounds LineBounds(const std::optional<EpsLine>& upper, const std::optional<EpsLine>& lower,
                       PSource source, double q, double p, double eps_min, double eps_max);

}  // namespace entrain
