#include "absl/strings/str_format.h"
#include "controller/laws/laws.h"

namespace entrain::laws {

// Increase, then decrease (docs/methods.md 1.4). First phase: E+ fades from H(p) to eps_std, E− = eps_std.
// Second: E+ = eps_std, E− is M(p) at full strength and fades to eps_std.
LawOutput Id(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  LawOutput out{.next = state};
  const Phase phase = PhaseOf(schedule, input, out.next);
  if (phase.first) {
    out.bounds = {.upper = Mix(phase.remaining, DynamicUpper(schedule), schedule.eps_std),
                  .lower = Standard(schedule)};
    out.state = "raise";
    out.reason = absl::StrFormat("id, first phase: upper threshold at %.1f%% of H(p)", 100 * phase.remaining);
  } else {
    out.bounds = {.upper = Standard(schedule),
                  .lower = Mix(phase.remaining, DynamicLower(schedule), schedule.eps_std)};
    out.state = "lower";
    out.reason =
        absl::StrFormat("id, second phase: lower threshold at %.1f%% of M(p)", 100 * phase.remaining);
  }
  out.reason += phase.why;
  return out;
}

}  // namespace entrain::laws
