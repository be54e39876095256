#include "absl/strings/str_format.h"
#include "controller/laws/laws.h"

namespace entrain::laws {

// Decrease, increase, decrease (docs/methods.md 1.4). First phase: E+ fades in from eps_std to H(p), E− =
// eps_std. Second: E+ = H(p), E− is M(p) at full strength and fades to eps_std.
LawOutput Did(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  LawOutput out{.next = state};
  const Phase phase = PhaseOf(schedule, input, out.next);
  if (phase.first) {
    const double strength = 1.0 - phase.remaining;
    out.bounds = {.upper = Mix(strength, DynamicUpper(schedule), schedule.eps_std),
                  .lower = Standard(schedule)};
    out.state = "raise";
    out.reason = absl::StrFormat("did, first phase: upper threshold at %.1f%% of H(p)", 100 * strength);
  } else {
    out.bounds = {.upper = DynamicUpper(schedule),
                  .lower = Mix(phase.remaining, DynamicLower(schedule), schedule.eps_std)};
    out.state = "lower";
    out.reason = absl::StrFormat("did, second phase: upper threshold H(p), lower at %.1f%% of M(p)",
                                 100 * phase.remaining);
  }
  out.reason += phase.why;
  return out;
}

}  // namespace entrain::laws
