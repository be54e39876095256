#include "learner/objective/tis.h"

#include <algorithm>
#include <cmath>

#include "learner/objective/surrogate.h"

namespace entrain {

std::vector<double> TisWeights(const TruncatedImportanceSampling& options, const TokenBatch& batch) {
  std::vector<double> weights(batch.mask.size(), 0.0);
  const auto gap = [&](size_t i) {
    return std::clamp(batch.old_logp[i] - batch.rollout_logp[i], -kLogRatioClamp, kLogRatioClamp);
  };
  const double lowest = options.lowest.value_or(1.0 / options.cap);
  for (size_t sequence = 0; sequence + 1 < batch.sequence_begin.size(); ++sequence) {
    const auto begin = static_cast<size_t>(batch.sequence_begin[sequence]),
               end = static_cast<size_t>(batch.sequence_begin[sequence + 1]);
    double sum = 0;
    for (size_t i = begin; i < end; ++i) {
      if (batch.mask[i] > 0) sum += gap(i) * batch.mask[i];
    }
    const double whole = std::exp(std::clamp(sum, -kLogRatioClamp, kLogRatioClamp));
    for (size_t i = begin; i < end; ++i) {
      if (!(batch.mask[i] > 0)) continue;
      const double w =
          options.level == TruncatedImportanceSampling::Level::kSequence ? whole : std::exp(gap(i));
      if (options.mode == TruncatedImportanceSampling::Mode::kTruncate) {
        weights[i] = std::min(w, options.cap);
      } else if (w >= lowest && w <= options.cap) {
        weights[i] = w;
      }
    }
  }
  return weights;
}

}  // namespace entrain
