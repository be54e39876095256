#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <string>

namespace entrain {

// Numbers about trained tokens that add up: tokens to a mini-batch, mini-batches to a step.

// Count, sum and extremes of a number.
struct RangeSums {
  double count = 0, sum = 0;
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  void Add(double value);
  void Add(const RangeSums& other);
};

// Entropy changes that the law of docs/methods.md 0.4 predicts for tokens: of those that trained, and of
// those that were cut (A ≠ 0 and no gradient) what the coefficient r·A would have done.
struct EntropySums {
  double tokens = 0, cut = 0;
  double kept_change = 0, cut_change = 0;  // nats
  void Add(const EntropySums& other);
};

// Tokens that one bound clipped; q, H, S and N of the old policy.
struct ClippedSums {
  double tokens = 0, q = 0, exp_minus_entropy = 0, s_below_n = 0;
  void Add(const ClippedSums& other);
};

// Tokens of a tenth of [0, 1] in old probability, and those of them that a bound clipped.
struct BinSums {
  double tokens = 0, high = 0, low = 0;
  void Add(const BinSums& other);
};

struct UpdateSums {
  double tokens = 0, effective = 0;
  double loss = 0;
  double excess = 0, excess_squares = 0;  // of r − 1
  double log_ratio_squares = 0;
  double k1 = 0, k3 = 0;  // of KL(old ‖ new), nats
  EntropySums all;
  std::array<EntropySums, 5> simple, exact;  // by region (regions.h), by either rule
  ClippedSums high, low;
  RangeSums lower_bound, upper_bound, weight;
  std::array<BinSums, 10> by_q;
  std::map<std::string, double> shares;  // ObjectiveResult::stats, times tokens
  std::map<std::string, double> found;   // TokenBatch::found of plans, times the tokens they were made over
  double found_tokens = 0;
  void Add(const UpdateSums& other);
};

// to[name] += factor · from[name].
void AddScaled(const std::map<std::string, double>& from, double factor, std::map<std::string, double>& to);

}  // namespace entrain
