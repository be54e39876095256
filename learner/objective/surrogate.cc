#include "learner/objective/surrogate.h"

#include <algorithm>
#include <cmath>

namespace entrain {

ImportanceRatio ClampedRatio(double log_ratio) {
  return {.value = std::exp(std::clamp(log_ratio, -kLogRatioClamp, kLogRatioClamp)),
          .moves = std::abs(log_ratio) <= kLogRatioClamp};
}

ImportanceRatio FreeRatio(double log_ratio) {
  constexpr double kLargestExponent = 700.0;  // e^710 is infinite
  return {.value = std::exp(std::min(log_ratio, kLargestExponent)), .moves = log_ratio <= kLargestExponent};
}

TokenLoss ClippedSurrogate(const ImportanceRatio& ratio, double advantage, const RatioBounds& bounds,
                           std::optional<double> dual_c) {
  TokenLoss out{.ratio = ratio.value, .bounds = bounds};
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
    out.gradient = ratio.moves ? out.loss : 0.0;  // d r / d new_logp = r
  }
  return out;
}

}  // namespace entrain
