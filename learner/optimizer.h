#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learner/learner_options.h"

namespace entrain {

// AdamW with warm-up and schedule over a flat parameter vector. Its state is what a checkpoint stores.
// Single-threaded.
class Optimizer {
 public:
  // `total_updates` of the whole run: where a falling schedule ends.
  Optimizer(OptimizerOptions options, int64_t total_updates, size_t parameters);

  // One update with gradients clipped to `max_norm` (0: not clipped). Answers the norm before clipping; when
  // it is not finite nothing is changed.
  double Update(std::span<float> parameters, std::span<const float> gradients, double max_norm);

  // Of the next update.
  double LearningRate() const;
  int64_t updates() const { return updates_; }
  std::span<const float> first_moment() const { return first_moment_; }
  std::span<const float> second_moment() const { return second_moment_; }
  void Restore(int64_t updates, std::vector<float> first_moment, std::vector<float> second_moment);

 private:
  const OptimizerOptions options_;
  const int64_t total_updates_;
  int64_t updates_ = 0;
  std::vector<float> first_moment_, second_moment_;
};

}  // namespace entrain
