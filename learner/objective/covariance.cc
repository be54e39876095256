#include "learner/objective/covariance.h"

#include <algorithm>
#include <cmath>

#include "learner/objective/batch_statistics.h"
#include "learner/objective/random_choice.h"
#include "learner/objective/surrogate.h"
#include "learner/quantile.h"

namespace entrain {
namespace {

size_t ShareOf(double ratio, const TokenBatch& batch) {
  const double tokens = MaskedSum(batch, [](size_t) { return 1.0; });
  return static_cast<size_t>(std::max<int64_t>(static_cast<int64_t>(ratio * tokens), 1));
}

// "cov/mean" and "cov/q01", "cov/q50", "cov/q99" of the mini-batch's unmasked tokens.
void NoteSpread(const std::vector<double>& covariance, TokenBatch& batch) {
  std::vector<double> values;
  double sum = 0;
  for (size_t i = 0; i < covariance.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    values.push_back(covariance[i]);
    sum += covariance[i];
  }
  batch.found["cov/mean"] = values.empty() ? 0.0 : sum / static_cast<double>(values.size());
  batch.found["cov/q01"] = Quantile(values, 0.01);
  batch.found["cov/q50"] = Quantile(values, 0.5);
  batch.found["cov/q99"] = Quantile(values, 0.99);
}

}  // namespace

std::vector<double> TokenCovariances(const TokenBatch& batch) {
  const Spread advantage = MaskedSpread(batch, [&](size_t i) { return batch.advantage[i]; });
  const Spread logp = MaskedSpread(batch, [&](size_t i) { return batch.new_logp[i]; });
  std::vector<double> out(batch.mask.size(), 0.0);
  for (size_t i = 0; i < out.size(); ++i) {
    if (batch.mask[i] > 0) out[i] = (batch.advantage[i] - advantage.mean) * (batch.new_logp[i] - logp.mean);
  }
  return out;
}

void SelectByCovariance(const ClipCovOptions& options, const PlanKey& key, TokenBatch& batch) {
  const std::vector<double> covariance = TokenCovariances(batch);
  const RatioBounds box = {.lo = 1 - options.eps_low, .hi = 1 + options.eps_high};
  std::vector<size_t> candidates;
  for (size_t i = 0; i < covariance.size(); ++i) {
    if (!(batch.mask[i] > 0) || !(covariance[i] > options.lb && covariance[i] < options.ub)) continue;
    const TokenLoss token = ClippedSurrogate(FreeRatio(batch.new_logp[i] - batch.old_logp[i]),
                                             batch.advantage[i], box, std::nullopt);
    if (!token.clipped_high && !token.clipped_low) candidates.push_back(i);
  }
  NoteSpread(covariance, batch);
  const double tokens = MaskedSum(batch, [](size_t) { return 1.0; });
  batch.found["cov/candidates_frac"] = static_cast<double>(candidates.size()) / std::max(tokens, 1.0);
  batch.selected.assign(batch.mask.size(), 0);
  for (const size_t i : ChooseAtRandom(key, candidates, ShareOf(options.ratio, batch))) batch.selected[i] = 1;
}

void SelectLargestCovariance(double ratio, TokenBatch& batch) {
  const std::vector<double> covariance = TokenCovariances(batch);
  std::vector<size_t> order;
  for (size_t i = 0; i < covariance.size(); ++i) {
    if (batch.mask[i] > 0) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return covariance[a] > covariance[b]; });
  order.resize(std::min(order.size(), ShareOf(ratio, batch)));
  NoteSpread(covariance, batch);
  batch.selected.assign(batch.mask.size(), 0);
  for (const size_t i : order) batch.selected[i] = 1;
}

}  // namespace entrain
