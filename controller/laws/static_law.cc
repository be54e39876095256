#include "controller/laws/laws.h"

namespace entrain::laws {

// The same thresholds at every step: the given lines, or the box eps_std.
LawOutput Static(const ClipSchedule& schedule, const LawState& state, const LawInput&) {
  const auto side = [&](const std::optional<ClipSide>& given) -> std::optional<ClipLine> {
    if (!given.has_value()) return Standard(schedule);
    return given->off ? std::nullopt : std::optional(given->line);
  };
  return {.bounds = {.upper = side(schedule.upper), .lower = side(schedule.lower)},
          .state = "static",
          .reason = "static thresholds",
          .next = state};
}

}  // namespace entrain::laws
