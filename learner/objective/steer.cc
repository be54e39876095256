#include "learner/objective/steer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace entrain {
namespace {

constexpr double kFloor = 0.02;  // of the largest change in the exponential form

double EntropyChange(const TokenBatch& batch, size_t i, double power) {
  const double x = std::clamp(std::exp(batch.new_logp[i]), 1e-8, 1 - 1e-8);
  const double f = x * std::pow(1 - x, power) * (std::log(x) + batch.old_entropy[i]);
  const double change = batch.advantage[i] / std::clamp(std::exp(batch.old_logp[i]), 1e-8, 1.0) * f;
  return std::isfinite(change) ? std::abs(change) : 0.0;
}

}  // namespace

void WeighByEntropyChange(const SteerOptions& options, TokenBatch& batch) {
  std::vector<double> change(batch.mask.size(), 0.0);
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;
  for (size_t i = 0; i < change.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    change[i] = EntropyChange(batch, i, options.power);
    smallest = std::min(smallest, change[i]);
    largest = std::max(largest, change[i]);
  }
  if (batch.weight.empty()) batch.weight.assign(batch.mask.size(), 1.0);
  for (size_t i = 0; i < change.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    double weight = 0.5 * (options.w_min + options.w_max);
    if (!options.linear) {
      weight = std::clamp(std::exp(std::log(options.w_min) / std::max(largest, kFloor) * change[i]),
                          options.w_min, 1.0);
    } else if (largest > smallest) {
      weight = std::clamp(
          options.w_max - (change[i] - smallest) * (options.w_max - options.w_min) / (largest - smallest),
          options.w_min, options.w_max);
    }
    batch.weight[i] *= weight;
  }
}

}  // namespace entrain
