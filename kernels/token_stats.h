#pragma once

#include <cstdint>
#include <span>

#include "kernels/bfloat16.h"

namespace entrain {

// Statistics of one next-token distribution softmax(z / temperature), in one pass over the vocabulary
// (docs/methods.md 0.5).
struct TokenStat {
  float logprob = 0;  // ln p_a, nats
  float entropy = 0;  // H, nats
  float s = 0;        // S = p_a (ln p_a + H)
  float n = 0;        // N = sum_x p_x² (ln p_x + H) ≥ 0
  float log_z = 0;    // ln sum_x exp(z_x / temperature): what the backward pass needs
};

// logits: [V], finite; one that is not makes the statistics NaN. token in [0, V). temperature > 0.
// Accumulates in double, in an order that depends on V alone: equal logits give equal bits on every x86-64
// processor.
TokenStat ComputeTokenStat(std::span<const float> logits, int32_t token, double temperature);
TokenStat ComputeTokenStat(std::span<const BFloat16> logits, int32_t token, double temperature);

// d loss / d z_j = (g·([j == a] − p_j) − h·p_j (ln p_j + H)) / temperature, with g = d loss / d ln p_a and h
// = d loss / d H. Writes [V] to `out`, which may be `logits` itself; computed in double, then rounded.
void TokenStatBackward(std::span<const float> logits, int32_t token, double temperature,
                       const TokenStat& stat, double grad_logprob, double grad_entropy, std::span<float> out);
void TokenStatBackward(std::span<const BFloat16> logits, int32_t token, double temperature,
                       const TokenStat& stat, double grad_logprob, double grad_entropy,
                       std::span<BFloat16> out);

}  // namespace entrain
