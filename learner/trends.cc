#include "learner/trends.h"

#include <algorithm>
#include <cmath>

namespace entrain {
namespace {

constexpr double kEmaWeight = 0.1;
constexpr size_t kSlopeSteps = 20;
constexpr int64_t kFitPoints = 3;  // fewer leave no residual to judge the line by

}  // namespace

void LineFit::Add(double x, double y) {
  ++state_.points;
  const auto points = static_cast<double>(state_.points);
  const double from_mean_x = x - state_.mean_x, from_mean_y = y - state_.mean_y;
  state_.mean_x += from_mean_x / points;
  state_.mean_y += from_mean_y / points;
  state_.xx += from_mean_x * (x - state_.mean_x);
  state_.xy += from_mean_x * (y - state_.mean_y);
  state_.yy += from_mean_y * (y - state_.mean_y);
}

LineFit::Line LineFit::Solve() const {
  const auto points = static_cast<double>(state_.points);
  Line line;
  line.slope = state_.xy / state_.xx;
  line.intercept = state_.mean_y - line.slope * state_.mean_x;
  const double residual = std::max(0.0, state_.yy - line.slope * state_.xy);
  line.r2 = state_.yy > 0 ? 1 - residual / state_.yy : 0.0;
  if (state_.points > 2) {
    const double variance = residual / (points - 2);
    line.slope_error = std::sqrt(variance / state_.xx);
    line.intercept_error = std::sqrt(variance * (1 / points + state_.mean_x * state_.mean_x / state_.xx));
  }
  return line;
}

std::map<std::string, double> Trends::Add(double entropy, double reward) {
  std::map<std::string, double> out;
  if (!std::isfinite(entropy) || !std::isfinite(reward)) return out;
  std::vector<double>& recent = state_.recent;
  if (recent.empty()) {
    state_.first = state_.ema = entropy;
  } else {
    out["entropy/realised_change"] = entropy - recent.back();
    state_.ema += kEmaWeight * (entropy - state_.ema);
  }
  recent.push_back(entropy);
  if (recent.size() > kSlopeSteps) recent.erase(recent.begin());
  out["entropy/ema"] = state_.ema;
  if (state_.first > 0) out["entropy/relative_to_first"] = entropy / state_.first;

  LineFit slope;
  for (size_t i = 0; i < recent.size(); ++i) slope.Add(static_cast<double>(i), recent[i]);
  if (slope.defined()) out["entropy/slope"] = slope.Solve().slope;

  fit_.Add(std::exp(entropy), reward);
  if (fit_.defined() && fit_.state().points >= kFitPoints) {
    const LineFit::Line line = fit_.Solve();
    out["fit/a"] = -line.slope;
    out["fit/b"] = line.intercept;
    out["fit/ceiling"] = line.intercept + line.slope;
    out["fit/a_std_error"] = line.slope_error;
    out["fit/b_std_error"] = line.intercept_error;
    out["fit/r2"] = line.r2;
  }
  return out;
}

Trends::State Trends::state() const {
  State state = state_;
  state.fit = fit_.state();
  return state;
}

}  // namespace entrain
