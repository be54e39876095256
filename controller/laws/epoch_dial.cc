#include "absl/strings/str_cat.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// (e − 1)/(E − 1) in epoch e = 1 … E of the run (arXiv 2511.05993, "epoch"; docs/methods.md 4.2), with
// e = ⌊k·E/K⌋ + 1; 1 when E = 1.
DialOutput Dial(const EpochDial& law, const DialState&, const LawInput& input) {
  const double epochs = static_cast<double>(law.epochs);
  const double epoch =
      std::min(std::floor(StepOf(input) * epochs / static_cast<double>(input.total_steps)) + 1.0, epochs);
  return {.value = law.epochs == 1 ? 1.0 : (epoch - 1.0) / (epochs - 1.0),
          .reason = absl::StrCat("epoch ", epoch, " of ", law.epochs)};
}

}  // namespace entrain::laws
