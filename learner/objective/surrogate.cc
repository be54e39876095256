#include "learner/objective/surrogate.h"

#include <algorithm>
#include <cmath>

namespace entrain {

TokenLoss ClippedSurrogate(double old_logp, double new_logp, double advantage, const RatioBounds& bounds,
                           std::optional<double> dual_c) {
  const double log_ratio = new_logp - old_logp;
  TokenLoss out{.bounds = bounds};
  out.ratio = std::exp(std::clamp(log_ratio, -kLogRatioClamp, kLogRatioClamp));
  const bool moves = std::abs(log_ratio) <= kLogRatioClamp;
  out.clipped_high = advantage > 0 && out.ratio > bounds.hi;
  out.clipped_low = advantage < 0 && out.ratio < bounds.lo;
  out.clipped_dual = advantage < 0 && dual_c.has_value() && out.ratio > *dual_c;
  if (out.clipped_high) {
    out.loss = -advantage * bounds.hi;
  } else if (out.clipped_low) {
    out.loss = -advantage * bounds.lo;
    // A bound above dual_c would be capped like a ratio above it.
    if (dual_c.has_value()) out.loss = std::min(out.loss, -advantage * *dual_c);
  } else if (out.clipped_dual) {
    out.loss = -advantage * *dual_c;
  } else {
    out.loss = advantage == 0 ? 0.0 : -advantage * out.ratio;
    out.gradient = moves ? out.loss : 0.0;  // d r / d new_logp = r
  }
  return out;
}

}  // namespace entrain
