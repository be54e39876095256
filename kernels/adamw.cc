#include "kernels/adamw.h"

#include <cassert>
#include <cmath>

namespace entrain {

void AdamWStep(std::span<float> parameters, std::span<const float> gradients, std::span<float> first_moment,
               std::span<float> second_moment, int64_t step, double grad_scale, const AdamWOptions& options) {
  assert(gradients.size() == parameters.size() && first_moment.size() == parameters.size() &&
         second_moment.size() == parameters.size());
  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(step));
  const float step_size = static_cast<float>(options.lr / correction1);
  const float inverse_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(correction2));
  const float decay = static_cast<float>(1.0 - options.lr * options.weight_decay);
  const float beta1 = static_cast<float>(options.beta1), beta2 = static_cast<float>(options.beta2);
  const float rest1 = static_cast<float>(1.0 - options.beta1),
              rest2 = static_cast<float>(1.0 - options.beta2);
  const float eps = static_cast<float>(options.eps);
  const float scale = static_cast<float>(grad_scale);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const float g = gradients[i] * scale;
    const float m = beta1 * first_moment[i] + rest1 * g;
    const float v = beta2 * second_moment[i] + rest2 * g * g;
    first_moment[i] = m;
    second_moment[i] = v;
    parameters[i] = parameters[i] * decay - step_size * m / (std::sqrt(v) * inverse_sqrt_correction2 + eps);
  }
}

double GlobalNorm(std::span<const float> values) {
  // Eight interleaved sums: a fixed order that still vectorises.
  double sums[8] = {};
  const size_t whole = values.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) {
    for (size_t k = 0; k < 8; ++k) sums[k] += static_cast<double>(values[i + k]) * values[i + k];
  }
  for (size_t i = whole; i < values.size(); ++i) sums[0] += static_cast<double>(values[i]) * values[i];
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

}  // namespace entrain
