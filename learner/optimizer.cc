#include "learner/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/adamw.h"

namespace entrain {

Optimizer::Optimizer(OptimizerOptions options, int64_t total_updates, size_t parameters)
    : options_(std::move(options)),
      total_updates_(total_updates),
      first_moment_(parameters, 0.0f),
      second_moment_(parameters, 0.0f) {}

double Optimizer::LearningRate() const {
  if (updates_ < options_.warmup_steps) {
    return options_.lr * static_cast<double>(updates_ + 1) / static_cast<double>(options_.warmup_steps);
  }
  if (options_.schedule == "constant") return options_.lr;
  const double span = std::max<double>(1.0, static_cast<double>(total_updates_ - options_.warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(updates_ - options_.warmup_steps) / span);
  const double share =
      options_.schedule == "linear" ? 1 - progress : 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return options_.lr * (options_.final_fraction + (1 - options_.final_fraction) * share);
}

double Optimizer::Update(std::span<float> parameters, std::span<const float> gradients, double max_norm) {
  const double norm = GlobalNorm(gradients);
  if (!std::isfinite(norm)) return norm;
  // As torch.nn.utils.clip_grad_norm_ does: max_norm / (norm + 1e-6), never above 1.
  const double scale = max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
  const double lr = LearningRate();
  ++updates_;
  AdamWStep(parameters, gradients, first_moment_, second_moment_, updates_, scale,
            {.lr = lr,
             .beta1 = options_.beta1,
             .beta2 = options_.beta2,
             .eps = options_.eps,
             .weight_decay = options_.weight_decay});
  return norm;
}

void Optimizer::Restore(int64_t updates, std::vector<float> first_moment, std::vector<float> second_moment) {
  updates_ = updates;
  first_moment_ = std::move(first_moment);
  second_moment_ = std::move(second_moment);
}

}  // namespace entrain
