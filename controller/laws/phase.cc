#include <cmath>

#include "absl/strings/str_cat.h"
#include "controller/laws/laws.h"

namespace entrain::laws {
namespace {

Phase PlannedPhase(const ClipSchedule& schedule, const LawInput& input) {
  const double total = static_cast<double>(input.total_steps);
  const double k = std::min(static_cast<double>(input.step), total);
  const double split = schedule.phase_split * total;
  if (k <= split) return {.first = true, .remaining = 1.0 - k / split};
  return {.first = false, .remaining = std::max(1.0 - (k - split) / std::max(total - split, 1e-12), 0.0)};
}

// The second phase begins at step `begin`, or has not begun; the first one has the length it was planned
// with.
Phase PhaseFrom(std::optional<int64_t> begin, const ClipSchedule& schedule, const LawInput& input) {
  const double total = static_cast<double>(input.total_steps);
  const double k = std::min(static_cast<double>(input.step), total);
  if (!begin.has_value() || input.step < *begin)
    return {.first = true, .remaining = std::max(1.0 - k / (schedule.phase_split * total), 0.0)};
  const double s = static_cast<double>(*begin);
  return {.first = false, .remaining = s < total ? 1.0 - (k - s) / (total - s) : 0.0};
}

}  // namespace

Phase PhaseOf(const ClipSchedule& schedule, const LawInput& input, LawState& next) {
  const PhaseSchedule& phase = schedule.phase;
  if (phase.advance == PhaseAdvance::kSteps) return PlannedPhase(schedule, input);
  Phase out;
  if (phase.advance == PhaseAdvance::kHand) {
    out = PhaseFrom(phase.begin, schedule, input);
    out.why = !phase.begin.has_value() ? "; until a person begins the second"
              : out.first              ? absl::StrCat("; the second begins at step ", *phase.begin)
                                       : absl::StrCat("; begun at step ", *phase.begin);
    return out;
  }
  if (!next.phase_begin.has_value() && input.entropy_nats.has_value()) {
    InflectionState detector = next.inflection.value_or(InflectionState{});
    if (NextSample(phase.inflection, *input.entropy_nats, detector)) next.phase_begin = input.step;
    if (std::isfinite(detector.smoothed) && std::isfinite(detector.base_sum)) next.inflection = detector;
  }
  out = PhaseFrom(next.phase_begin, schedule, input);
  out.why = out.first ? "; until the entropy bends"
                      : absl::StrCat("; the entropy bent at step ", *next.phase_begin);
  return out;
}

}  // namespace entrain::laws
