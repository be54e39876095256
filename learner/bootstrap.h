#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace entrain {

struct BootstrapOptions {
  uint64_t seed = 0;
  int32_t resamples = 2000;  // ≥ 1
  double coverage = 0.95;    // of the interval, in (0, 1)
};

struct Interval {
  double low = 0;
  double high = 0;
};

// Percentile bootstrap of means (Efron 1979; Efron & Tibshirani 1993, ch. 13): rows are drawn with
// replacement, the same ones for every column, as many as there are; the interval is between the (1 ±
// coverage)/2 quantiles of the resampled means, linear between order statistics. `columns`: equally long; no
// rows: no intervals. A function of its arguments alone. O(resamples · rows · columns).
std::map<std::string, Interval> BootstrapMeans(const std::map<std::string, std::vector<double>>& columns,
                                               const BootstrapOptions& options);

}  // namespace entrain
