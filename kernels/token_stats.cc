#include "kernels/token_stats.h"

#include <algorithm>
#include <cassert>

#include "kernels/token_stats_core.h"

namespace entrain {

TokenStat ComputeTokenStat(std::span<const float> logits, int32_t token, double temperature) {
  assert(token >= 0 && static_cast<size_t>(token) < logits.size() && temperature > 0);
  const double scale = 1.0 / temperature;
  TokenSums sums;
  sums.max = *std::max_element(logits.begin(), logits.end()) * scale;
  for (const float logit : logits) sums.AddBelowMax(logit * scale);
  const TokenStatValues values = FinishTokenStat(sums, logits[static_cast<size_t>(token)] * scale);
  return {.logprob = static_cast<float>(values.logprob),
          .entropy = static_cast<float>(values.entropy),
          .s = static_cast<float>(values.s),
          .n = static_cast<float>(values.n),
          .log_z = static_cast<float>(values.log_z)};
}

void TokenStatBackward(std::span<const float> logits, int32_t token, double temperature,
                       const TokenStat& stat, double grad_logprob, double grad_entropy,
                       std::span<float> out) {
  const double scale = 1.0 / temperature;
  const double log_z = PreciseLogZ(logits[static_cast<size_t>(token)] * scale, stat.logprob, stat.log_z);
  for (size_t j = 0; j < logits.size(); ++j) {
    out[j] = static_cast<float>(TokenStatGradient(logits[j] * scale, j == static_cast<size_t>(token), log_z,
                                                  stat.entropy, grad_logprob, grad_entropy, scale));
  }
}

}  // namespace entrain
