#include "learner/objective/clip_bounds.h"

#include <algorithm>
#include <limits>

namespace entrain {

RatioBounds LineBounds(const std::optional<EpsLine>& upper, const std::optional<EpsLine>& lower,
                       PSource source, double q, double p, double eps_min, double eps_max) {
  RatioBounds bounds{.lo = 0.0, .hi = std::numeric_limits<double>::infinity()};
  if (source == PSource::kClosed) {
    if (upper.has_value()) bounds.hi = (1 + upper->intercept) / (1 - upper->slope * q);
    if (lower.has_value()) bounds.lo = (1 - lower->intercept) / (1 + lower->slope * q);
    return bounds;
  }
  const double at = source == PSource::kNew ? p : q;
  if (upper.has_value()) bounds.hi = 1 + std::clamp(upper->intercept + upper->slope * at, eps_min, eps_max);
  if (lower.has_value()) bounds.lo = 1 - std::clamp(lower->intercept + lower->slope * at, eps_min, eps_max);
  return bounds;
}

}  // namespace entrain
