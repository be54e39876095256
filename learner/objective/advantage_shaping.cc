#include "learner/objective/advantage_shaping.h"

#include <algorithm>
#include <cmath>

#include "learner/objective/batch_statistics.h"

namespace entrain {

void ShapeByPerplexity(double alpha, double floor, TokenBatch& batch) {
  std::vector<double> surprisal(batch.sequence_begin.size() - 1, 0.0);
  ForEachSequence(batch, [&](size_t sequence, size_t first, size_t last) {
    double sum = 0, length = 0;
    for (size_t i = first; i < last; ++i) {
      if (!(batch.mask[i] > 0)) continue;
      sum -= batch.mask[i] * batch.old_logp[i];
      length += batch.mask[i];
    }
    surprisal[sequence] = sum / std::max(length, 1.0);
  });
  const auto count = static_cast<double>(std::max<size_t>(surprisal.size(), 1));
  double mean = 0, variance = 0;
  for (const double value : surprisal) mean += value / count;
  for (const double value : surprisal) variance += (value - mean) * (value - mean) / count;
  ForEachSequence(batch, [&](size_t sequence, size_t first, size_t last) {
    const double z = (surprisal[sequence] - mean) / (std::sqrt(variance) + 1e-6);
    for (size_t i = first; i < last; ++i) batch.advantage[i] *= std::max(1 - alpha * z, floor);
  });
}

void ShapeByPosition(double gamma, double d, bool linear, TokenBatch& batch) {
  ForEachSequence(batch, [&](size_t, size_t first, size_t last) {
    double length = 0, position = 0;
    for (size_t i = first; i < last; ++i) length += std::max(batch.mask[i], 0.0);
    for (size_t i = first; i < last; ++i) {
      if (!(batch.mask[i] > 0)) continue;
      position += batch.mask[i];
      const double relative = position * batch.mask[i] / std::max(length, 1.0);
      const double bonus = linear ? gamma * relative : gamma / (1 + std::exp(-d * relative));
      double& advantage = batch.advantage[i];
      if (advantage != 0) advantage += std::copysign(bonus, advantage);
    }
  });
}

}  // namespace entrain
