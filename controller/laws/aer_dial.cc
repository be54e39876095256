#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// The coefficient of an entropy bonus that holds entropy at tau · H_0 (AER, arXiv 2510.10959, reconstruction;
// docs/methods.md 5): alpha_{k+1} = clip(alpha_k + rate · (tau · H_0 − H_k), 0, max). The value of step k is
// alpha_k: it has seen H_{k−1}. H_0 is given, or that of the first observation.
DialOutput Dial(const AerDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{.value = std::clamp(state.value.value_or(law.initial), 0.0, law.max),
                 .reason = kNotMeasured,
                 .next = state};
  out.next.value = out.value;
  if (law.h_init.has_value()) {
    out.next.h_init = law.h_init;
  } else if (!out.next.h_init.has_value()) {
    out.next.h_init = input.entropy_nats;
  }
  if (!input.entropy_nats.has_value()) return out;
  const double error = law.tau * *out.next.h_init - *input.entropy_nats;
  out.next.value = std::clamp(out.value + law.rate * error, 0.0, law.max);
  out.reason = absl::StrFormat("entropy %.4f for %.4f, next step %.6g", *input.entropy_nats,
                               law.tau * *out.next.h_init, *out.next.value);
  return out;
}

}  // namespace entrain::laws
