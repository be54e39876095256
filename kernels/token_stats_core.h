#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/bfloat16.h"  // ENTRAIN_HOST_DEVICE

// The numeric core of the token statistics, compiled for CPU and CUDA alike, so that CPU tests test what a
// GPU computes.

namespace entrain {

// e^x for x ≤ 0 (or so little above it that it is rounding) to two units in the last place; e^−708 for
// smaller x, NaN for NaN. Without a branch or a call, so that a loop over it becomes vector instructions: x =
// k ln 2 + r with |r| ≤ ln 2 / 2, the Taylor sum of e^r (the first term left out is below 1.7e-16), times
// 2^k.
ENTRAIN_HOST_DEVICE inline double ExpOfNegative(double x) {
#ifdef __CUDA_ARCH__
  return exp(x);
#else
  constexpr double kShift = 0x1.8p52;            // adding it rounds to an integer, in the lowest bits
  constexpr double kLn2High = 0x1.62e42fefap-1;  // 33 bits: k · kLn2High is exact
  constexpr double kLn2Low = 0x1.cf79abc9e3b39p-40;
  x = x < -708.0 ? -708.0 : x;
  const double shifted = x * 1.4426950408889634 + kShift;
  const double k = shifted - kShift;
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits << 52) + (uint64_t{1023} << 52);  // 2^k
  double power;
  memcpy(&power, &bits, sizeof(power));
  return sum * power;
#endif
}

// Sums over a part of the vocabulary (docs/methods.md 0.5), relative to the largest logit seen: with u = z −
// max, z1 = Σe^u, s1 = Σe^u·u, z2 = Σe^2u, s2 = Σe^2u·u.
struct TokenSums {
  double max = -HUGE_VAL;
  double z1 = 0, s1 = 0, z2 = 0, s2 = 0;

  // Moves the sums to another maximum. s before z: each needs the old z.
  ENTRAIN_HOST_DEVICE void Rebase(double new_max) {
    if (max == new_max) return;
    if (z1 == 0) {  // nothing seen yet
      max = new_max;
      return;
    }
    const double d = max - new_max;
    const double e1 = ExpOfNegative(d);
    const double e2 = e1 * e1;
    s1 = e1 * (s1 + d * z1);
    z1 *= e1;
    s2 = e2 * (s2 + d * z2);
    z2 *= e2;
    max = new_max;
  }

  ENTRAIN_HOST_DEVICE void Add(double logit) {
    if (logit > max) Rebase(logit);
    AddBelowMax(logit);
  }

  // For a logit that is known not to exceed `max`.
  ENTRAIN_HOST_DEVICE void AddBelowMax(double logit) {
    const double u = logit - max;
    const double e = ExpOfNegative(u);
    const double ee = e * e;
    z1 += e;
    s1 += e * u;
    z2 += ee;
    s2 += ee * u;
  }

  // The sums of the union of two disjoint parts.
  ENTRAIN_HOST_DEVICE void Merge(TokenSums other) {
    const double top = max > other.max ? max : other.max;
    Rebase(top);
    other.Rebase(top);
    z1 += other.z1;
    s1 += other.s1;
    z2 += other.z2;
    s2 += other.s2;
  }
};

struct TokenStatValues {
  double logprob, entropy, s, n, log_z;
};

// `token_logit` is divided by the temperature already, as all logits of `sums` are.
ENTRAIN_HOST_DEVICE inline TokenStatValues FinishTokenStat(const TokenSums& sums, double token_logit) {
  const double log_z1 = log(sums.z1);
  TokenStatValues out;
  out.logprob = (token_logit - sums.max) - log_z1;
  out.entropy = log_z1 - sums.s1 / sums.z1;
  if (out.entropy < 0) out.entropy = 0;  // rounding
  const double p2 = sums.z2 / (sums.z1 * sums.z1);
  const double p2_log_p = sums.s2 / (sums.z1 * sums.z1) - log_z1 * p2;
  out.n = out.entropy * p2 + p2_log_p;
  if (out.n < 0) out.n = 0;  // N = Cov(p, ln p) ≥ 0; rounding
  out.s = exp(out.logprob) * (out.logprob + out.entropy);
  out.log_z = sums.max + log_z1;
  return out;
}

// ln Z with more digits than the float `log_z` holds when logits are large: z_a − ln p_a, if that loses less.
// A float's error is relative to its size, and an error of ln Z is a relative error of every probability.
ENTRAIN_HOST_DEVICE inline double PreciseLogZ(double token_logit, float logprob, float log_z) {
  return fabs(static_cast<double>(logprob)) < fabs(static_cast<double>(log_z)) ? token_logit - logprob
                                                                               : log_z;
}

// d loss / d z_j of one row; g = d loss / d ln p_a, h = d loss / d H.
struct RowGradient {
  ENTRAIN_HOST_DEVICE RowGradient(double token_logit, double inverse_temperature, float logprob,
                                  float log_z_in, double entropy_in, double g_in, double h_in)
      : scale(inverse_temperature),
        log_z(PreciseLogZ(token_logit * inverse_temperature, logprob, log_z_in)),
        entropy(entropy_in),
        g(g_in),
        h(h_in) {}

  // `logit` is z_j, not yet divided by the temperature.
  ENTRAIN_HOST_DEVICE double At(double logit, bool is_token) const {
    const double log_p = logit * scale - log_z;
    const double p = ExpOfNegative(log_p);
    const double one = is_token ? 1.0 : 0.0;
    return (g * (one - p) - h * (p * (log_p + entropy))) * scale;
  }

  double scale, log_z, entropy, g, h;
};

}  // namespace entrain
