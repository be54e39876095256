#include "learner/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "common/rng.h"

namespace entrain {
namespace {

double Quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = place - std::floor(place);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

}  // namespace

std::map<std::string, Interval> BootstrapMeans(const std::map<std::string, std::vector<double>>& columns,
                                               const BootstrapOptions& options) {
  std::map<std::string, Interval> out;
  if (columns.empty() || columns.begin()->second.empty()) return out;
  const size_t rows = columns.begin()->second.size();
  std::map<std::string, std::vector<double>> means;
  std::vector<size_t> drawn(rows);
  for (int32_t resample = 0; resample < options.resamples; ++resample) {
    const Rng rng({.seed = options.seed,
                   .purpose = RngPurpose::kBootstrap,
                   .ordinal = static_cast<uint64_t>(resample)});
    for (size_t i = 0; i < rows; ++i) drawn[i] = rng.Below(rows, i);
    for (const auto& [name, values] : columns) {
      double sum = 0;
      for (const size_t row : drawn) sum += values[row];
      means[name].push_back(sum / static_cast<double>(rows));
    }
  }
  for (auto& [name, values] : means) {
    std::ranges::sort(values);
    out[name] = {.low = Quantile(values, (1 - options.coverage) / 2),
                 .high = Quantile(values, (1 + options.coverage) / 2)};
  }
  return out;
}

}  // namespace entrain
