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

// Sets the weight of every token outside top-k, then outside top-p of what is left, to 0.
void Truncate(std::vector<double>& weight, int32_t top_k, double top_p) {
  std::vector<uint32_t> order(weight.size());
  std::iota(order.begin(), order.end(), uint32_t{0});
  // A strict total order, so that the result does not depend on the algorithm.
  const auto before = [&](uint32_t a, uint32_t b) {
    return weight[a] > weight[b] || (weight[a] == weight[b] && a < b);
  };
  size_t keep = order.size();
  if (top_k > 0 && static_cast<size_t>(top_k) < keep) {
    keep = static_cast<size_t>(top_k);
    std::nth_element(order.begin(), At(order, keep), order.end(), before);
  }
  if (top_p < 1.0) {
    double target = 0;
    for (size_t i = 0; i < keep; ++i) target += weight[order[i]];
    target *= top_p;
    // The most probable tokens come first, in pieces that double: a peaked distribution never sorts its tail.
    double cumulative = 0;
    size_t sorted = 0, piece = 64, i = 0;
    for (; i < keep && (i == 0 || cumulative < target); ++i) {
      if (i == sorted) {
        sorted = std::min(keep, sorted + piece);
        piece *= 2;
        if (sorted < keep) std::nth_element(At(order, i), At(order, sorted), At(order, keep), before);
        std::sort(At(order, i), At(order, sorted), before);
      }
      cumulative += weight[order[i]];
    }
    keep = i;
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

SampledToken GreedyToken(std::span<const float> logits, double temperature) {
  const Weights weights = Exponentiate(logits, temperature);
  const auto best = std::max_element(logits.begin(), logits.end());  // the first of equals
  return {.token = static_cast<int32_t>(best - logits.begin()),
          .logprob = static_cast<float>(*best / temperature - weights.max - std::log(weights.total))};
}

}  // namespace entrain
