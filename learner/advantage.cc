#include "learner/advantage.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

absl::Status Check(std::span<const double> rewards) {
  if (rewards.empty()) return absl::InvalidArgumentError("rewards: expected at least one, found none");
  for (const double reward : rewards) {
    if (!std::isfinite(reward))
      return absl::InvalidArgumentError(absl::StrCat("rewards: expected finite numbers, found ", reward));
  }
  return absl::OkStatus();
}

double Mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

absl::StatusOr<std::vector<double>> DrGrpoAdvantages(std::span<const double> rewards) {
  ENTRAIN_RETURN_IF_ERROR(Check(rewards));
  if (rewards.size() == 1) return std::vector<double>{rewards[0]};  // mean 0
  std::vector<double> advantages(rewards.size(), 0.0);
  // Equal rewards carry no signal, exactly: not a rounding error of the mean.
  if (std::ranges::all_of(rewards, [&](double reward) { return reward == rewards[0]; })) return advantages;
  const double mean = Mean(rewards);
  for (size_t i = 0; i < rewards.size(); ++i) advantages[i] = rewards[i] - mean;
  return advantages;
}

absl::StatusOr<std::vector<double>> GrpoAdvantages(std::span<const double> rewards) {
  ENTRAIN_RETURN_IF_ERROR(Check(rewards));
  if (rewards.size() == 1) return std::vector<double>{rewards[0] / (1.0 + 1e-6)};
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<double> advantages, DrGrpoAdvantages(rewards));
  double squares = 0;
  for (const double a : advantages) squares += a * a;
  const double deviation = std::sqrt(squares / static_cast<double>(rewards.size() - 1));
  for (double& a : advantages) a /= deviation + 1e-6;
  return advantages;
}

}  // namespace entrain
