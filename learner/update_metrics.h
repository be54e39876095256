#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "learner/objective/objective.h"
#include "learner/update_sums.h"

namespace entrain {

// What the updates of one step did, token by token: which tokens the objective cut, how far the policy moved,
// what the entropy law predicts of it. Parts of a mini-batch add up, whatever the parts are; means are over
// all token updates of the step (a token that E epochs train counts E times). Names, units and formulas:
// docs/metrics.md, "Over the updates". Thread-compatible.
//
// The entropy law (docs/methods.md 0.4): one step of size eta along g, the token's coefficient, moves the
// entropy at its position by −eta·g·(S − N), S and N of the policy being updated; predictions are for eta
// = 1. Regions are those of the old policy.
class UpdateMetrics {
 public:
  // `prepared`: TokenBatch::found of the whole step's columns.
  explicit UpdateMetrics(std::map<std::string, double> prepared) : prepared_(std::move(prepared)) {}

  // A mini-batch: AddPlan for what PlanMinibatch found over how many tokens, AddPart for every part, then
  // Keep, or Drop when its update was skipped and counts for nothing. `tokens` must hold all columns of both
  // policies; `denominators` are the mini-batch's.
  void AddPlan(const std::map<std::string, double>& found, double tokens);
  void AddPart(const TokenBatch& tokens, const ObjectiveResult& result, const Denominators& denominators);
  void Keep(double gradient_norm);  // before it was clipped
  void Drop();

  double kept() const { return kept_; }
  double dropped() const { return dropped_; }

  // Once, after the last update.
  std::map<std::string, double> Result();

 private:
  void AddToken(const TokenBatch& tokens, const TokenOutcome& outcome, size_t i);
  void WriteEntropy(std::map<std::string, double>& out) const;
  void WriteRatio(std::map<std::string, double>& out);
  void WriteClip(std::map<std::string, double>& out) const;

  const std::map<std::string, double> prepared_;
  UpdateSums present_;             // the mini-batch at hand
  UpdateSums total_, first_;       // all updates that were kept, and the first of them
  std::vector<float> log_ratios_;  // of all token updates; those of present_ at the end
  size_t log_ratios_kept_ = 0;
  double kept_ = 0, dropped_ = 0;
  double gradient_norm_ = 0, gradient_norm_max_ = 0;
};

}  // namespace entrain
