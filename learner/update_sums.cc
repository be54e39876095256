#include "learner/update_sums.h"

#include <algorithm>

namespace entrain {

void RangeSums::Add(double value) {
  ++count;
  sum += value;
  least = std::min(least, value);
  most = std::max(most, value);
}

void RangeSums::Add(const RangeSums& other) {
  count += other.count;
  sum += other.sum;
  least = std::min(least, other.least);
  most = std::max(most, other.most);
}

void EntropySums::Add(const EntropySums& other) {
  tokens += other.tokens;
  cut += other.cut;
  kept_change += other.kept_change;
  cut_change += other.cut_change;
}

void ClippedSums::Add(const ClippedSums& other) {
  tokens += other.tokens;
  q += other.q;
  exp_minus_entropy += other.exp_minus_entropy;
  s_below_n += other.s_below_n;
}

void BinSums::Add(const BinSums& other) {
  tokens += other.tokens;
  high += other.high;
  low += other.low;
}

void UpdateSums::Add(const UpdateSums& other) {
  tokens += other.tokens;
  effective += other.effective;
  loss += other.loss;
  excess += other.excess;
  excess_squares += other.excess_squares;
  log_ratio_squares += other.log_ratio_squares;
  k1 += other.k1;
  k3 += other.k3;
  all.Add(other.all);
  for (size_t region = 0; region < simple.size(); ++region) {
    simple[region].Add(other.simple[region]);
    exact[region].Add(other.exact[region]);
  }
  high.Add(other.high);
  low.Add(other.low);
  lower_bound.Add(other.lower_bound);
  upper_bound.Add(other.upper_bound);
  weight.Add(other.weight);
  for (size_t bin = 0; bin < by_q.size(); ++bin) by_q[bin].Add(other.by_q[bin]);
  AddScaled(other.shares, 1, shares);
  AddScaled(other.found, 1, found);
  found_tokens += other.found_tokens;
}

void AddScaled(const std::map<std::string, double>& from, double factor, std::map<std::string, double>& to) {
  for (const auto& [name, value] : from) to[name] += factor * value;
}

}  // namespace entrain
