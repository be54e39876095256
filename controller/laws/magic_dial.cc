#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// The coefficient of MAGIC's entropy bonus (Skywork-OR1, arXiv 2505.22312; docs/methods.md 10.10):
// c ← clip(c + D if H_k < target else c − D, min, max). The value of step k has seen H_k. That it acts only
// while H_k ≤ target is the objective's business.
DialOutput Dial(const MagicDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{.value = std::clamp(state.value.value_or(law.initial), law.min, law.max),
                 .reason = kNotMeasured,
                 .next = state};
  if (input.entropy_nats.has_value()) {
    const double h = *input.entropy_nats;
    out.value = std::clamp(h < law.target ? out.value + law.delta : out.value - law.delta, law.min, law.max);
    out.reason = absl::StrFormat("entropy %.4f is %s %.4f: %s", h, h < law.target ? "below" : "at or above",
                                 law.target, h < law.target ? "up" : "down");
  }
  out.next.value = out.value;
  return out;
}

}  // namespace entrain::laws
