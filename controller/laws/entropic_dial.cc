#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// EntroPIC (arXiv 2511.15248; docs/methods.md 10.9): e_k = H_k − target, alpha = clip(kp · e_k + ki · Σ e,
// −1, 1), the sum once a step. The value of step k has seen H_k.
DialOutput Dial(const EntropicDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{
      .value = std::clamp(state.value.value_or(0.0), -1.0, 1.0), .reason = kNotMeasured, .next = state};
  if (input.entropy_nats.has_value()) {
    const double error = *input.entropy_nats - law.target;
    out.next.integral = IntegralFor(law.target, state) + error;
    out.next.target = law.target;
    out.value = std::clamp(law.kp * error + law.ki * out.next.integral, -1.0, 1.0);
    out.reason = absl::StrFormat("entropy %.4f for %.4f, sum of errors %.4f", *input.entropy_nats, law.target,
                                 out.next.integral);
  }
  out.next.value = out.value;
  return out;
}

}  // namespace entrain::laws
