#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace entrain {

// Group-relative advantage: A_i = (R_i − mean(R)) / (std(R) + 1e-6), unbiased std, over the completions of
// one prompt. Shao et al. 2024 (GRPO), arXiv:2402.03300, outcome supervision. rewards: [G] → advantages: [G].
// All zeros when all rewards are equal; a single completion has mean 0 and std 1 (docs/methods.md 0.7).
// InvalidArgument if a reward is not finite or there is none.
absl::StatusOr<std::vector<double>> GrpoAdvantages(std::span<const double> rewards);

// A_i = R_i − mean(R). Liu et al. 2025 (Dr.GRPO), arXiv:2503.20783. A single completion has mean 0, as above.
absl::StatusOr<std::vector<double>> DrGrpoAdvantages(std::span<const double> rewards);

}  // namespace entrain
