#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace entrain {

// What `entrain counterfactual` found, as RUN/counterfactual.json keeps it (docs/formats.md) and as people
// read it.

// One setting at one step; entropies in nats, a mean over the step's completion tokens.
struct SettingAtStep {
  std::string name;
  double entropy_change = 0;
  std::vector<double> by_region;  // [5]: what no region, E1 … E4 contribute to it
  double clip_high = 0, clip_low = 0, high_mean_q = 0, low_mean_q = 0;
  nlohmann::ordered_json thresholds;  // {"upper", "lower"}, as used
};
struct RepeatedStep {
  int64_t step = 0;
  double entropy_before = 0;
  std::string recorded_digest, digest;
  std::vector<double> region_share;     // [5]
  std::vector<SettingAtStep> settings;  // the applied one first; the same names at every step
};

// Means over the steps and the standard error of the differences (sample deviation over √n; null with one
// step), then every step.
nlohmann::ordered_json CounterfactualJson(const std::string& run_id, const std::vector<RepeatedStep>& steps);

// The table of such an object, in 1e-3 nats a step. InvalidArgument when it is none.
absl::StatusOr<std::string> CounterfactualTable(const nlohmann::ordered_json& report);

// RUN/counterfactual.json. NotFound when there is none; DataLoss names the file when it is damaged.
std::string CounterfactualFile(const std::string& run);
absl::StatusOr<std::string> ReadCounterfactualTable(const std::string& run);

}  // namespace entrain
