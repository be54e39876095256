#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace entrain {

// Least squares of y = slope·x + intercept, one point at a time (Welford's update: means and centred sums, so
// that nothing cancels).
class LineFit {
 public:
  // What a checkpoint keeps.
  struct State {
    int64_t points = 0;
    double mean_x = 0, mean_y = 0;
    double xx = 0, xy = 0, yy = 0;  // sums of (x − mean_x)², (x − mean_x)(y − mean_y), (y − mean_y)²
    bool operator==(const State&) const = default;
  };
  // `slope_error` and `intercept_error` are standard errors, with the residual variance over points − 2; 0
  // with two points. `r2`: the share of y's variance that the line explains; 0 when y does not vary.
  struct Line {
    double slope = 0, intercept = 0, r2 = 0, slope_error = 0, intercept_error = 0;
  };

  LineFit() = default;
  explicit LineFit(const State& state) : state_(state) {}
  void Add(double x, double y);
  // Two points or more with different x; see defined().
  Line Solve() const;
  bool defined() const { return state_.points >= 2 && state_.xx > 0; }
  const State& state() const { return state_; }

 private:
  State state_;
};

// How entropy moves over a run, and what it buys. A pure function of the steps added; single-threaded.
//
// "entropy/ema": weight 0.1 for the newest step. "entropy/slope": nats per step, by regression over the last
// 20 steps (two or more). "entropy/relative_to_first": H over that of the run's first step.
// "entropy/realised_change": H of this step − H of the one before, which is what the update of the one before
// did. "fit/…": R = −a·exp(H) + b over all steps so far (arXiv 2505.22617; docs/methods.md 9 and 11), from
// the third step with different entropies on: a, b, their standard errors a_std_error and b_std_error, r2,
// and the ceiling b − a, the reward at H = 0.
class Trends {
 public:
  // What a checkpoint keeps.
  struct State {
    double first = 0;            // nats
    double ema = 0;              // nats
    std::vector<double> recent;  // nats; mean entropies of the last steps, oldest first; empty: no step yet
    LineFit::State fit;
    bool operator==(const State&) const = default;
  };

  Trends() = default;
  explicit Trends(State state) : state_(std::move(state)), fit_(state_.fit) {}
  // Mean entropy (nats) and mean reward of a step's batch, before its update. Answers the names above that
  // are defined by now. Numbers that are not finite are left out as if the step had not been.
  std::map<std::string, double> Add(double entropy, double reward);
  State state() const;

 private:
  State state_;
  LineFit fit_;
};

}  // namespace entrain
