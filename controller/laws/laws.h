#pragma once

#include <algorithm>
#include <string>

#include "controller/laws/law.h"

// The laws, one file each, and what they share. Internal to controller_laws.
namespace entrain::laws {

LawOutput Static(const ClipSchedule& schedule, const LawState& state, const LawInput& input);
LawOutput Id(const ClipSchedule& schedule, const LawState& state, const LawInput& input);
LawOutput Did(const ClipSchedule& schedule, const LawState& state, const LawInput& input);
LawOutput Od(const ClipSchedule& schedule, const LawState& state, const LawInput& input);
LawOutput Thermostat(const ClipSchedule& schedule, const LawState& state, const LawInput& input);
LawOutput Piecewise(const ClipSchedule& schedule, const LawState& state, const LawInput& input);

// H(p) and M(p) of the paper, or what the schedule says instead; nullopt: that side is off.
inline std::optional<ClipLine> DynamicUpper(const ClipSchedule& schedule) {
  if (!schedule.upper.has_value()) return ClipLine{.intercept = 0.5, .slope = -0.25};
  return schedule.upper->off ? std::nullopt : std::optional(schedule.upper->line);
}
inline std::optional<ClipLine> DynamicLower(const ClipSchedule& schedule) {
  if (!schedule.lower.has_value()) return ClipLine{.intercept = 0.3, .slope = -0.13};
  return schedule.lower->off ? std::nullopt : std::optional(schedule.lower->line);
}
// The standard box of one side.
inline ClipLine Standard(const ClipSchedule& schedule) {
  return {.intercept = schedule.eps_std, .slope = 0.0};
}

// weight · line + (1 − weight) · eps_std. A side that is off stays off.
inline std::optional<ClipLine> Mix(double weight, const std::optional<ClipLine>& line, double eps_std) {
  if (!line.has_value()) return std::nullopt;
  return ClipLine{.intercept = weight * line->intercept + (1 - weight) * eps_std,
                  .slope = weight * line->slope};
}

// Where step k stands in a schedule of two phases; remaining goes from 1 to 0 in each. Past K: the end.
struct Phase {
  bool first = true;
  double remaining = 1;
  std::string why;  // of a switch that is not by plan; follows a reason
};
// By plan the first phase ends at phase_split · K. By hand or by the entropy's inflection the second begins
// at step s, and remaining = 1 − (k − s)/(K − s) there; until then the first stays at its planned end.
Phase PhaseOf(const ClipSchedule& schedule, const LawInput& input, LawState& next);

}  // namespace entrain::laws
