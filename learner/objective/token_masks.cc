#include "learner/objective/token_masks.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "learner/objective/batch_statistics.h"
#include "learner/objective/random_choice.h"

namespace entrain {
namespace {

double Score(const TokenBatch& batch, size_t i) {
  return std::exp(batch.old_logp[i]) * (batch.old_logp[i] + batch.old_entropy[i]);
}

void Weigh(TokenBatch& batch, size_t i, double weight) {
  if (batch.weight.empty()) batch.weight.assign(batch.mask.size(), 1.0);
  batch.weight[i] *= weight;
}

// What an edit of the mask dropped, in shares of the tokens that were in it, and the score it went by.
void NoteDropped(const std::vector<size_t>& dropped, double tokens, const Spread& spread, TokenBatch& batch) {
  double positive = 0, negative = 0;
  for (const size_t i : dropped) {
    positive += batch.advantage[i] > 0 ? 1 : 0;
    negative += batch.advantage[i] < 0 ? 1 : 0;
  }
  const double count = std::max(tokens, 1.0);
  batch.found["dropped/frac"] = static_cast<double>(dropped.size()) / count;
  batch.found["dropped/positive_frac"] = positive / count;
  batch.found["dropped/negative_frac"] = negative / count;
  batch.found["dropped/score_mean"] = spread.mean;
  batch.found["dropped/score_std"] = spread.deviation;
}

double Tokens(const TokenBatch& batch) {
  return MaskedSum(batch, [](size_t) { return 1.0; });
}

}  // namespace

void ClipByBatch(double mu, TokenBatch& batch) {
  const auto score = [&](size_t i) { return Score(batch, i); };
  const Spread spread = MaskedSpread(batch, score);
  std::vector<size_t> dropped;
  for (size_t i = 0; i < batch.mask.size() && spread.deviation >= 1e-12; ++i) {
    if (!(batch.mask[i] > 0) || !(batch.advantage[i] < 0)) continue;
    if (score(i) - spread.mean < -mu * spread.deviation) dropped.push_back(i);
  }
  NoteDropped(dropped, Tokens(batch), spread, batch);
  for (const size_t i : dropped) batch.mask[i] = 0;
}

void ClipByVocabulary(double mu, double max_frac, TokenBatch& batch) {
  const auto excess = [&](size_t i) { return batch.old_n[i] - Score(batch, i); };
  const Spread spread = MaskedSpread(batch, excess);
  std::vector<size_t> dropped, candidates;  // candidates: those with A < 0
  for (size_t i = 0; i < batch.mask.size() && spread.deviation >= 1e-12; ++i) {
    if (!(batch.mask[i] > 0) || batch.advantage[i] > 0 || excess(i) <= mu * spread.deviation) continue;
    dropped.push_back(i);
    if (batch.advantage[i] < 0) candidates.push_back(i);
  }
  const double tokens = std::max(Tokens(batch), 1.0);
  if (static_cast<double>(dropped.size()) / tokens > max_frac) {
    const auto most = static_cast<size_t>(std::max<int64_t>(static_cast<int64_t>(max_frac * tokens), 1));
    if (candidates.size() > most) {
      std::ranges::stable_sort(candidates, [&](size_t a, size_t b) { return excess(a) > excess(b); });
      std::erase_if(dropped, [&](size_t i) { return batch.advantage[i] < 0; });
      dropped.insert(dropped.end(), candidates.begin(),
                     candidates.begin() + static_cast<std::ptrdiff_t>(most));
    }
  }
  NoteDropped(dropped, tokens, spread, batch);
  for (const size_t i : dropped) batch.mask[i] = 0;
}

void KeepHighEntropy(double rho, TokenBatch& batch) {
  std::vector<double> entropies;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (batch.mask[i] > 0) entropies.push_back(batch.old_entropy[i]);
  }
  if (entropies.empty()) return;
  std::ranges::sort(entropies);
  const double at = (1 - rho) * static_cast<double>(entropies.size() - 1);
  const auto below = static_cast<size_t>(at);
  const double above = entropies[std::min(below + 1, entropies.size() - 1)];
  const double threshold = entropies[below] + (above - entropies[below]) * (at - static_cast<double>(below));
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (batch.mask[i] > 0 && batch.old_entropy[i] < threshold) Weigh(batch, i, 0);
  }
}

void DropPositivesAtRandom(double ratio, const PlanKey& key, TokenBatch& batch) {
  std::vector<size_t> positives;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (batch.mask[i] > 0 && batch.advantage[i] > 0) positives.push_back(i);
  }
  const auto count = static_cast<size_t>(ratio * static_cast<double>(positives.size()));
  for (const size_t i : ChooseAtRandom(key, positives, std::max<size_t>(count, 1))) Weigh(batch, i, 0);
}

}  // namespace entrain
