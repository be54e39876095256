#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// A bang-bang integrator for the weight of positive advantages, which are what lowers entropy (arXiv
// 2511.05993, "entropy-guided"; docs/methods.md 4.2): lambda ← clip(lambda − D, 0, 1) when H_k < target, else
// clip(lambda + D, 0, 1). The value of step k has seen H_k.
DialOutput Dial(const EntropyGuidedDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{.value = std::clamp(state.value.value_or(law.initial), 0.0, 1.0),
                 .reason = kNotMeasured,
                 .next = state};
  if (input.entropy_nats.has_value()) {
    const double h = *input.entropy_nats;
    out.value = std::clamp(h < law.target ? out.value - law.delta : out.value + law.delta, 0.0, 1.0);
    out.reason = absl::StrFormat("entropy %.4f is %s %.4f: %s", h, h < law.target ? "below" : "at or above",
                                 law.target, h < law.target ? "down" : "up");
  }
  out.next.value = out.value;
  return out;
}

}  // namespace entrain::laws
