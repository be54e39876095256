#pragma once

#include <cstdint>
#include <span>

namespace entrain {

// AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, with decoupled weight decay), as torch.optim.AdamW
// computes it.
struct AdamWOptions {
  double lr = 1e-6;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};

// One update. `step` counts from 1. All spans have the same length; gradients are multiplied by `grad_scale`
// first (clipping). Element by element, so the result does not depend on how the work is split.
void AdamWStep(std::span<float> parameters, std::span<const float> gradients, std::span<float> first_moment,
               std::span<float> second_moment, int64_t step, double grad_scale, const AdamWOptions& options);

// Euclidean norm, accumulated in double in a fixed order.
double GlobalNorm(std::span<const float> values);

}  // namespace entrain
