#include "kernels/token_stats.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <limits>

#include "kernels/token_stats_core.h"

// A row is worked on in lanes, which compilers turn into vector instructions. The same body is compiled twice
// on x86-64, for every processor and for those with AVX2, and inlined into both; no product is fused with a
// sum (-ffp-contract=off, the default of -std=c++20), so both give the same bits.
#define ENTRAIN_ALWAYS_INLINE inline __attribute__((always_inline))
#ifdef __x86_64__
#define ENTRAIN_AVX2 __attribute__((target("avx2")))
#endif

namespace entrain {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kBlock = 1024;  // a block stays in the nearest cache between its maximum and its sums

template <typename Logit>
ENTRAIN_ALWAYS_INLINE double LargestOf(const Logit* logits, size_t count) {
  float largest[kLanes];
  std::fill(largest, largest + kLanes, -std::numeric_limits<float>::infinity());
  size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float logit = ToFloat(logits[j + lane]);
      largest[lane] = logit > largest[lane] ? logit : largest[lane];
    }
  }
  for (; j < count; ++j) largest[0] = std::max(largest[0], ToFloat(logits[j]));
  return *std::max_element(largest, largest + kLanes);
}

// The sums of every kLanes-th logit.
struct LaneSums {
  double z1[kLanes] = {}, s1[kLanes] = {}, z2[kLanes] = {}, s2[kLanes] = {};

  template <typename Logit>
  ENTRAIN_ALWAYS_INLINE void Add(const Logit* logits, double scale, double max) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double u = ToFloat(logits[lane]) * scale - max;
      const double e = ExpOfNegative(u);
      const double ee = e * e;
      z1[lane] += e;
      s1[lane] += e * u;
      z2[lane] += ee;
      s2[lane] += ee * u;
    }
  }
};

// Adds the terms of a block whose logits do not exceed sums.max.
template <typename Logit>
ENTRAIN_ALWAYS_INLINE void AddBlock(const Logit* logits, size_t count, double scale, TokenSums& sums) {
  LaneSums lanes;
  size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) lanes.Add(logits + j, scale, sums.max);
  if (j < count) {  // filled up with logits so low that their terms, below 1e-260, vanish in any sum
    float last[kLanes];
    std::fill(last, last + kLanes, std::numeric_limits<float>::lowest());
    for (size_t lane = 0; j < count; ++lane, ++j) last[lane] = ToFloat(logits[j]);
    lanes.Add(last, scale, sums.max);
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sums.z1 += lanes.z1[lane];
    sums.s1 += lanes.s1[lane];
    sums.z2 += lanes.z2[lane];
    sums.s2 += lanes.s2[lane];
  }
}

template <typename Logit>
ENTRAIN_ALWAYS_INLINE TokenSums SumRow(std::span<const Logit> logits, double scale) {
  TokenSums sums;
  for (size_t first = 0; first < logits.size(); first += kBlock) {
    const Logit* block = logits.data() + first;
    const size_t count = std::min(kBlock, logits.size() - first);
    const double largest = LargestOf(block, count) * scale;
    if (largest > sums.max) sums.Rebase(largest);
    AddBlock(block, count, scale, sums);
  }
  return sums;
}

void Round(double value, float& out) { out = static_cast<float>(value); }
void Round(double value, BFloat16& out) { out = ToBFloat16(static_cast<float>(value)); }

// Every entry as one that is not the token.
template <typename Logit>
ENTRAIN_ALWAYS_INLINE void DifferentiateRow(std::span<const Logit> logits, const RowGradient& row,
                                            std::span<Logit> out) {
  for (size_t j = 0; j < logits.size(); ++j) Round(row.At(ToFloat(logits[j]), false), out[j]);
}

#ifdef ENTRAIN_AVX2
template <typename Logit>
ENTRAIN_AVX2 TokenSums SumRowAvx2(std::span<const Logit> logits, double scale) {
  return SumRow(logits, scale);
}
template <typename Logit>
ENTRAIN_AVX2 void DifferentiateRowAvx2(std::span<const Logit> logits, const RowGradient& row,
                                       std::span<Logit> out) {
  DifferentiateRow(logits, row, out);
}
bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#endif

template <typename Logit>
TokenStat Compute(std::span<const Logit> logits, int32_t token, double temperature) {
  assert(token >= 0 && static_cast<size_t>(token) < logits.size() && temperature > 0);
  const double scale = 1.0 / temperature;
#ifdef ENTRAIN_AVX2
  const TokenSums sums = HasAvx2() ? SumRowAvx2(logits, scale) : SumRow(logits, scale);
#else
  const TokenSums sums = SumRow(logits, scale);
#endif
  const TokenStatValues values = FinishTokenStat(sums, ToFloat(logits[static_cast<size_t>(token)]) * scale);
  return {.logprob = static_cast<float>(values.logprob),
          .entropy = static_cast<float>(values.entropy),
          .s = static_cast<float>(values.s),
          .n = static_cast<float>(values.n),
          .log_z = static_cast<float>(values.log_z)};
}

template <typename Logit>
void Backward(std::span<const Logit> logits, int32_t token, double temperature, const TokenStat& stat,
              double grad_logprob, double grad_entropy, std::span<Logit> out) {
  const auto at = static_cast<size_t>(token);
  const float token_logit = ToFloat(logits[at]);  // before `out`, which may be `logits`, is written
  const RowGradient row(token_logit, 1.0 / temperature, stat.logprob, stat.log_z, stat.entropy, grad_logprob,
                        grad_entropy);
#ifdef ENTRAIN_AVX2
  HasAvx2() ? DifferentiateRowAvx2(logits, row, out) : DifferentiateRow(logits, row, out);
#else
  DifferentiateRow(logits, row, out);
#endif
  Round(row.At(token_logit, true), out[at]);
}

}  // namespace

TokenStat ComputeTokenStat(std::span<const float> logits, int32_t token, double temperature) {
  return Compute(logits, token, temperature);
}
TokenStat ComputeTokenStat(std::span<const BFloat16> logits, int32_t token, double temperature) {
  return Compute(logits, token, temperature);
}

void TokenStatBackward(std::span<const float> logits, int32_t token, double temperature,
                       const TokenStat& stat, double grad_logprob, double grad_entropy,
                       std::span<float> out) {
  Backward(logits, token, temperature, stat, grad_logprob, grad_entropy, out);
}
void TokenStatBackward(std::span<const BFloat16> logits, int32_t token, double temperature,
                       const TokenStat& stat, double grad_logprob, double grad_entropy,
                       std::span<BFloat16> out) {
  Backward(logits, token, temperature, stat, grad_logprob, grad_entropy, out);
}

}  // namespace entrain
