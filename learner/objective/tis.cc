#include "learner/objective/tis.h"

#include <algorithm>
#include <cmath>

#include "learner/objective/batch_statistics.h"
#include "learner/objective/surrogate.h"

namespace entrain {
namespace {

double LowestOf(const TruncatedImportanceSampling& options) {
  return options.lowest.value_or(1.0 / options.cap);
}

// Weights before they are capped or masked; 0 where the mask is.
std::vector<double> RawWeights(const TruncatedImportanceSampling& options, const TokenBatch& batch) {
  std::vector<double> weights(batch.mask.size(), 0.0);
  const auto gap = [&](size_t i) {
    return std::clamp(batch.old_logp[i] - batch.rollout_logp[i], -kLogRatioClamp, kLogRatioClamp);
  };
  ForEachSequence(batch, [&](size_t, size_t begin, size_t end) {
    double sum = 0;
    for (size_t i = begin; i < end; ++i) {
      if (batch.mask[i] > 0) sum += gap(i) * batch.mask[i];
    }
    const double whole = std::exp(std::clamp(sum, -kLogRatioClamp, kLogRatioClamp));
    for (size_t i = begin; i < end; ++i) {
      if (!(batch.mask[i] > 0)) continue;
      weights[i] = options.level == TruncatedImportanceSampling::Level::kSequence ? whole : std::exp(gap(i));
    }
  });
  return weights;
}

double Used(const TruncatedImportanceSampling& options, double raw) {
  if (options.mode == TruncatedImportanceSampling::Mode::kTruncate) return std::min(raw, options.cap);
  return raw >= LowestOf(options) && raw <= options.cap ? raw : 0.0;
}

}  // namespace

std::vector<double> TisWeights(const TruncatedImportanceSampling& options, const TokenBatch& batch) {
  std::vector<double> weights = RawWeights(options, batch);
  for (double& weight : weights) weight = Used(options, weight);
  return weights;
}

std::map<std::string, double> TisState(const TruncatedImportanceSampling& options, const TokenBatch& batch) {
  const std::vector<double> raw = RawWeights(options, batch);
  double tokens = 0, sum = 0, squares = 0, largest = 0, above = 0, below = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    const double used = Used(options, raw[i]);
    ++tokens;
    sum += used;
    squares += used * used;
    largest = std::max(largest, raw[i]);
    above += raw[i] > options.cap ? 1 : 0;
    below += raw[i] < LowestOf(options) ? 1 : 0;
  }
  const double count = std::max(tokens, 1.0);
  return {{"tis/mean", sum / count},
          {"tis/max", largest},
          {"tis/ess", squares > 0 ? sum * sum / (count * squares) : 0.0},
          {"tis/above_frac", above / count},
          {"tis/below_frac", below / count}};
}

}  // namespace entrain
