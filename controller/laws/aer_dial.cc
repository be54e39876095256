#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// The coefficient of an entropy bonus that holds entropy at tau · H_0 (AER, arXiv 2510.10959, reconstruction;
// docs/methods.md 5): alpha ← clip(alpha + rate · (tau · H_0 − H_k), 0, max). The value of step k has seen
// H_k. H_0 is given, or the first that the run measured.
DialOutput Dial(const AerDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{.value = std::clamp(state.value.value_or(law.initial), 0.0, law.max),
                 .reason = kNotMeasured,
                 .next = state};
  const std::optional<double> h_init = law.h_init.has_value() ? law.h_init : input.h_init;
  if (input.entropy_nats.has_value() && h_init.has_value()) {
    const double target = law.tau * *h_init;
    out.value = std::clamp(out.value + law.rate * (target - *input.entropy_nats), 0.0, law.max);
    out.reason = absl::StrFormat("entropy %.4f for %.4f", *input.entropy_nats, target);
  }
  out.next.value = out.value;
  return out;
}

}  // namespace entrain::laws
