#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// 0 in the first half of the run, then linear from 0 to 1 (arXiv 2511.05993, "stage"; docs/methods.md 4.2):
// 0 when k < K/2, else min(1, 2k/K − 1).
DialOutput Dial(const StageDial&, const DialState&, const LawInput& input) {
  const double k = StepOf(input), total = static_cast<double>(input.total_steps);
  return {.value = k < total / 2 ? 0.0 : std::min(1.0, 2.0 * k / total - 1.0), .reason = "stage"};
}

}  // namespace entrain::laws
