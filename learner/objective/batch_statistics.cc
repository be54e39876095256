#include "learner/objective/batch_statistics.h"

#include <algorithm>
#include <cmath>

namespace entrain {

double MaskedSum(const TokenBatch& batch, const std::function<double(size_t)>& value) {
  double sum = 0;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (batch.mask[i] > 0) sum += batch.mask[i] * value(i);
  }
  return sum;
}

Spread MaskedSpread(const TokenBatch& batch, const std::function<double(size_t)>& value) {
  const double count = std::max(MaskedSum(batch, [](size_t) { return 1.0; }), 1.0);
  const double mean = MaskedSum(batch, value) / count;
  const double variance =
      MaskedSum(batch, [&](size_t i) { return (value(i) - mean) * (value(i) - mean); }) / count;
  return {.mean = mean, .deviation = std::sqrt(variance)};
}

void ForEachSequence(const TokenBatch& batch, const std::function<void(size_t, size_t, size_t)>& visit) {
  for (size_t sequence = 0; sequence + 1 < batch.sequence_begin.size(); ++sequence) {
    visit(sequence, static_cast<size_t>(batch.sequence_begin[sequence]),
          static_cast<size_t>(batch.sequence_begin[sequence + 1]));
  }
}

}  // namespace entrain
