#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace entrain {

// What a law sees of one step.
struct LawInput {
  int64_t step = 0;         // k
  int64_t total_steps = 1;  // K ≥ 1; past it a law stays at its end
  std::optional<double> entropy_nats;
  std::optional<double> h_init;  // H_0: the first entropy that the run measured, this step's included
};

// What can be used of a measurement: an entropy that is negative or not finite is one that was not measured.
inline std::optional<double> MeasuredEntropy(std::optional<double> entropy_nats) {
  const bool measured = entropy_nats.has_value() && std::isfinite(*entropy_nats) && *entropy_nats >= 0;
  return measured ? entropy_nats : std::nullopt;
}

}  // namespace entrain
