#include "controller/guards.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

// The largest change of one of the four scalars; a side that is switched on or off counts as infinitely far.
double Distance(const std::optional<ClipLine>& a, const std::optional<ClipLine>& b) {
  if (a.has_value() != b.has_value()) return HUGE_VAL;
  if (!a.has_value()) return 0;
  return std::max(std::abs(a->intercept - b->intercept), std::abs(a->slope - b->slope));
}

// `from` moved towards `to` by at most `limit` in each scalar. Switching a side on or off has no way between.
std::optional<ClipLine> Towards(const std::optional<ClipLine>& from, const std::optional<ClipLine>& to,
                                double limit) {
  if (!from.has_value() || !to.has_value()) return to;
  const auto step = [limit](double a, double b) {
    return std::abs(b - a) <= limit ? b : a + std::copysign(limit, b - a);
  };
  return ClipLine{.intercept = step(from->intercept, to->intercept), .slope = step(from->slope, to->slope)};
}

}  // namespace

LawOutput ApplyGuards(const Schedule& schedule, const LawState& before, LawOutput output, int64_t revision) {
  const bool edited = before.revision != 0 && before.revision != revision;
  output.next.revision = revision;
  output.next.catching_up = before.catching_up || edited;
  const ClipBounds wanted = output.bounds;
  if (before.bounds.has_value()) {
    const double distance =
        std::max(Distance(before.bounds->upper, wanted.upper), Distance(before.bounds->lower, wanted.lower));
    if (distance > 0 && distance < schedule.guards.dead_band) {
      output.bounds = *before.bounds;
      absl::StrAppend(&output.reason, "; a change below the dead band of ", schedule.guards.dead_band,
                      " is not made");
    } else if (schedule.guards.max_change_per_step.has_value() &&
               (IsClosedLoop(schedule.clip.law) || output.next.catching_up)) {
      const double limit = *schedule.guards.max_change_per_step;
      output.bounds = {.upper = Towards(before.bounds->upper, wanted.upper, limit),
                       .lower = Towards(before.bounds->lower, wanted.lower, limit)};
      if (output.bounds != wanted) absl::StrAppend(&output.reason, "; moving by at most ", limit, " a step");
    }
  }
  if (const absl::Status legal = ValidateBounds(output.bounds); !legal.ok()) {
    // A valid schedule cannot get here; were it to, the last legal thresholds are the answer.
    if (before.bounds.has_value()) output.bounds = *before.bounds;
    absl::StrAppend(&output.reason, "; out of the legal range, held: ", legal.message());
  }
  if (output.bounds == wanted) output.next.catching_up = false;
  output.next.bounds = output.bounds;
  return output;
}

}  // namespace entrain
