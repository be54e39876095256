#include "absl/strings/str_format.h"
#include "controller/laws/laws.h"

namespace entrain::laws {

// Oscillatory decay, closed loop (docs/methods.md 1.4): raise when H_k ≤ tau_low = ratio·H_init; lower when
// H_k > tau_high(k) = H_min + (H_init − H_min)(1 − k/K); otherwise as before. tau_low is tested first. Starts
// in "lower".
LawOutput Od(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  LawOutput out{.next = state};
  const std::optional<double> given = schedule.od_h_init.has_value() ? schedule.od_h_init : input.h_init;
  if (!input.entropy_nats.has_value() || !given.has_value()) {
    out.reason = "od: no entropy was measured; the state stays";
  } else {
    const double h = *input.entropy_nats, h_init = *given, h_min = schedule.od_h_min_ratio * h_init;
    const double total = static_cast<double>(input.total_steps);
    const double k = std::min(static_cast<double>(input.step), total);
    const double tau_high = h_min + (h_init - h_min) * (1.0 - k / total);
    if (h <= h_min) {
      out.next.od_raise = 1;
      out.reason = absl::StrFormat("od: entropy %.4f is at or below %.4f: raise", h, h_min);
    } else if (h > tau_high) {
      out.next.od_raise = 0;
      out.reason = absl::StrFormat("od: entropy %.4f is above %.4f: lower", h, tau_high);
    } else {
      out.reason =
          absl::StrFormat("od: entropy %.4f is between %.4f and %.4f: as before", h, h_min, tau_high);
    }
  }
  if (out.next.od_raise == 1) {
    out.bounds = {.upper = DynamicUpper(schedule), .lower = Standard(schedule)};
    out.state = "raise";
  } else {
    out.bounds = {.upper = Standard(schedule), .lower = DynamicLower(schedule)};
    out.state = "lower";
  }
  return out;
}

}  // namespace entrain::laws
