#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace entrain {
namespace {

// Unnormalised probabilities e^(z/T − max), and their sum over all tokens.
struct Weights {
  std::vector<double> weight;
  double total = 0;
  double max = 0;  // of z/T
};

Weights Exponentiate(std::span<const float> logits, double temperature) {
  Weights out;
  const double scale = 1.0 / temperature;
  out.max = *std::max_element(logits.begin(), logits.end()) * scale;
  out.weight.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    out.weight[i] = std::exp(logits[i] * scale - out.max);
    out.total += out.weight[i];
  }
  return out;
}

std::vector<uint32_t>::iterator At(std::vector<uint32_t>& order, size_t index) {
  return order.begin() + static_cast<std::ptrdiff_t>(index);
}

// More probable first, ties by id: a strict total order, so that results do not depend on the algorithm.
struct MoreProbable {
  const std::vector<double>& weight;
  bool operator()(uint32_t a, uint32_t b) const {
    return weight[a] > weight[b] || (weight[a] == weight[b] && a < b);
  }
};

std::vector<uint32_t> AllTokens(size_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), uint32_t{0});
  return order;
}

// Moves the most probable of the first `count` tokens to the front until they hold `target`; answers how many
// that takes, at least one. They come in pieces that double: a peaked distribution never sorts its tail.
size_t GatherNucleus(const std::vector<double>& weight, size_t count, double target,
                     std::vector<uint32_t>& order) {
  const MoreProbable before{weight};
  double cumulative = 0;
  size_t sorted = 0, piece = 64, i = 0;
  for (; i < count && (i == 0 || cumulative < target); ++i) {
    if (i == sorted) {
      sorted = std::min(count, sorted + piece);
      piece *= 2;
      if (sorted < count) std::nth_element(At(order, i), At(order, sorted), At(order, count), before);
      std::sort(At(order, i), At(order, sorted), before);
    }
    cumulative += weight[order[i]];
  }
  return i;
}

// Sets the weight of every token outside top-k, then outside top-p of what is left, to 0.
void Truncate(std::vector<double>& weight, int32_t top_k, double top_p) {
  std::vector<uint32_t> order = AllTokens(weight.size());
  size_t keep = order.size();
  if (top_k > 0 && static_cast<size_t>(top_k) < keep) {
    keep = static_cast<size_t>(top_k);
    std::nth_element(order.begin(), At(order, keep), order.end(), MoreProbable{weight});
  }
  if (top_p < 1.0) {
    double target = 0;
    for (size_t i = 0; i < keep; ++i) target += weight[order[i]];
    target *= top_p;
    keep = GatherNucleus(weight, keep, target, order);
  }
  for (size_t i = keep; i < order.size(); ++i) weight[order[i]] = 0;
}

}  // namespace

SampledToken SampleToken(std::span<const float> logits, double temperature, int32_t top_k, double top_p,
                         double uniform) {
  Weights weights = Exponentiate(logits, temperature);
  const double log_total = std::log(weights.total);
  double kept_total = weights.total;
  if ((top_k > 0 && static_cast<size_t>(top_k) < logits.size()) || top_p < 1.0) {
    Truncate(weights.weight, top_k, top_p);
    kept_total = std::accumulate(weights.weight.begin(), weights.weight.end(), 0.0);
  }
  const double target = uniform * kept_total;
  double cumulative = 0;
  size_t chosen = 0;
  for (size_t i = 0; i < weights.weight.size(); ++i) {
    if (weights.weight[i] == 0) continue;
    chosen = i;  // the last token with weight, should rounding leave the target just above the sum
    cumulative += weights.weight[i];
    if (cumulative > target) break;
  }
  const double logprob = logits[chosen] / temperature - weights.max - log_total;
  return {.token = static_cast<int32_t>(chosen), .logprob = static_cast<float>(logprob)};
}

int32_t NucleusSize(std::span<const float> logits, double temperature, double p) {
  const Weights weights = Exponentiate(logits, temperature);
  if (!std::isfinite(weights.total)) return 0;
  std::vector<uint32_t> order = AllTokens(logits.size());
  return static_cast<int32_t>(GatherNucleus(weights.weight, order.size(), p * weights.total, order));
}

SampledToken GreedyToken(std::span<const float> logits, double temperature) {
  const Weights weights = Exponentiate(logits, temperature);
  const auto best = std::max_element(logits.begin(), logits.end());  // the first of equals
  return {.token = static_cast<int32_t>(best - logits.begin()),
          .logprob = static_cast<float>(*best / temperature - weights.max - std::log(weights.total))};
}

}  // namespace entrain
