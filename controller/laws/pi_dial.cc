#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// A bounded proportional-integral law for any dial: e_k = target − H_k when a larger value raises entropy,
// else H_k − target; value = clip(initial + kp · e_k + ki · Σ e, min, max). The value of step k has seen H_k.
// While the value is at an end and the error pushes it further out, the sum does not grow.
DialOutput Dial(const PiDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{.value = std::clamp(state.value.value_or(law.initial), law.min, law.max),
                 .reason = kNotMeasured,
                 .next = state};
  if (input.entropy_nats.has_value()) {
    const double h = *input.entropy_nats;
    const double error = law.raises ? law.target - h : h - law.target;
    const double sum_for = law.raises ? law.target : -law.target;
    const double before = IntegralFor(sum_for, state);
    const double wanted = law.initial + law.kp * error + law.ki * (before + error);
    const bool pushes_out = (wanted > law.max && error > 0) || (wanted < law.min && error < 0);
    out.next.integral = pushes_out ? before : before + error;
    out.next.target = sum_for;
    out.value = std::clamp(law.initial + law.kp * error + law.ki * out.next.integral, law.min, law.max);
    out.reason =
        absl::StrFormat("entropy %.4f for %.4f, sum of errors %.4f", h, law.target, out.next.integral);
  }
  out.next.value = out.value;
  return out;
}

}  // namespace entrain::laws
