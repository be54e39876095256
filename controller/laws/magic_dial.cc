#include "absl/strings/str_format.h"
#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// The coefficient of MAGIC's entropy bonus (Skywork-OR1, arXiv 2505.22312; docs/methods.md 10.10):
// c_{k+1} = clip(c_k + D if H_k < target else c_k − D, min, max). The value of step k is c_k: it has seen
// H_{k−1}. That it acts only while H_k ≤ target is the objective's business.
DialOutput Dial(const MagicDial& law, const DialState& state, const LawInput& input) {
  DialOutput out{.value = std::clamp(state.value.value_or(law.initial), law.min, law.max),
                 .reason = kNotMeasured,
                 .next = state};
  out.next.value = out.value;
  if (!input.entropy_nats.has_value()) return out;
  const double h = *input.entropy_nats;
  out.next.value =
      std::clamp(h < law.target ? out.value + law.delta : out.value - law.delta, law.min, law.max);
  out.reason = absl::StrFormat("entropy %.4f is %s %.4f, next step %.6g", h,
                               h < law.target ? "below" : "at or above", law.target, *out.next.value);
  return out;
}

}  // namespace entrain::laws
