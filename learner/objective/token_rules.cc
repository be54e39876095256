#include "learner/objective/token_rules.h"

#include <algorithm>
#include <cmath>

namespace entrain {
TokenLoss GspoToken(const TokenView& token, const RatioBounds& bounds) {
  constexpr double kCap = 10.0;
  const ImportanceRatio ratio = {.value = std::exp(std::min(token.sequence_log_ratio, kCap)),
                                 .moves = token.sequence_log_ratio <= kCap};
  return ClippedSurrogate(ratio, token.advantage, bounds, std::nullopt);
}

TokenLoss CispoToken(const TokenView& token, const RatioBounds& bounds) {
  const double ratio = RatioOf(token).value;
  const double weight = std::clamp(ratio, bounds.lo, bounds.hi);
  return {.loss = -weight * token.advantage * token.new_logp,
          .gradient = -weight * token.advantage,
          .ratio = ratio,
          .clipped_high = token.advantage != 0 && ratio > bounds.hi,
          .clipped_low = token.advantage != 0 && ratio < bounds.lo,
          .bounds = bounds};
}

TokenLoss SapoToken(const TokenView& token, double tau_positive, double tau_negative) {
  const ImportanceRatio ratio = RatioOf(token);
  const double tau = token.advantage > 0 ? tau_positive : tau_negative;
  const double sigmoid = 1 / (1 + std::exp(-tau * (ratio.value - 1)));
  const double slope = ratio.moves ? 4 * sigmoid * (1 - sigmoid) * ratio.value : 0.0;
  return {.loss = -4 / tau * sigmoid * token.advantage,
          .gradient = -slope * token.advantage,
          .ratio = ratio.value};
}

TokenLoss CeGppoToken(const TokenView& token, const RatioBounds& bounds, double beta1, double beta2,
                      std::optional<double> dual_c) {
  const ImportanceRatio ratio = RatioOf(token);
  TokenLoss out{.ratio = ratio.value,
                .clipped_high = token.advantage > 0 && ratio.value > bounds.hi,
                .clipped_low = token.advantage < 0 && ratio.value < bounds.lo,
                .bounds = bounds};
  const double coefficient = out.clipped_low    ? beta1 * bounds.lo
                             : out.clipped_high ? beta2 * bounds.hi
                                                : ratio.value;
  out.loss = -coefficient * token.advantage;
  out.gradient = ratio.moves ? out.loss : 0.0;
  if (token.advantage < 0 && dual_c.has_value() && out.loss > -token.advantage * *dual_c) {
    out.loss = -token.advantage * *dual_c;
    out.gradient = 0;
    out.clipped_dual = true;
  }
  return out;
}

TokenLoss ErcToken(const TokenView& token, const RatioBounds& bounds, double lo, double hi,
                   std::optional<double> dual_c) {
  constexpr double kTiny = 1e-8;
  TokenLoss out = ClippedSurrogate(RatioOf(token), token.advantage, bounds, dual_c);
  const double entropy_ratio = (token.entropy + kTiny) / (token.old_entropy + kTiny);
  out.detached = !(entropy_ratio > lo && entropy_ratio < hi);
  if (out.detached) out.gradient = 0;
  return out;
}

TokenLoss AbcToken(const TokenView& token, const RatioBounds& positive, const RatioBounds& negative) {
  const RatioBounds& bounds = token.advantage > 0 ? positive : negative;
  const ImportanceRatio ratio = RatioOf(token);
  TokenLoss out{.ratio = ratio.value,
                .clipped_high = token.advantage != 0 && ratio.value > bounds.hi,
                .clipped_low = token.advantage != 0 && ratio.value < bounds.lo,
                .bounds = bounds};
  out.loss = -std::clamp(ratio.value, bounds.lo, bounds.hi) * token.advantage;
  if (ratio.value <= bounds.hi && ratio.value >= bounds.lo && ratio.moves) out.gradient = out.loss;
  return out;
}

TokenLoss KlCovToken(const TokenView& token, double coef) {
  const double log_ratio = token.new_logp - token.old_logp;
  const ImportanceRatio ratio = FreeRatio(log_ratio);
  TokenLoss out{.loss = -token.advantage * ratio.value, .ratio = ratio.value};
  out.gradient = ratio.moves ? out.loss : 0.0;
  if (token.selected) {
    out.loss += coef * std::abs(log_ratio);
    out.gradient += log_ratio > 0 ? coef : log_ratio < 0 ? -coef : 0.0;
  }
  return out;
}

RatioBounds DcpoBounds(double q, double eps_low, double eps_high, double cap) {
  const double probability = std::max(q, 1e-300);
  return {.lo = 0.5 + 0.5 * std::sqrt(std::max(1 - 4 * eps_low / probability, 0.0)),
          .hi = std::min(0.5 + 0.5 * std::sqrt(1 + 4 * eps_high / probability), std::max(cap, 10.0))};
}

}  // namespace entrain
