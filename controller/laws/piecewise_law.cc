#include "absl/strings/str_cat.h"
#include "controller/laws/laws.h"

namespace entrain::laws {
namespace {

std::optional<ClipLine> Between(const ClipSide& a, const ClipSide& b, double t) {
  if (a.off) return std::nullopt;  // a side that is off is off at every point
  if (t <= 0) return a.line;
  return ClipLine{.intercept = a.line.intercept + t * (b.line.intercept - a.line.intercept),
                  .slope = a.line.slope + t * (b.line.slope - a.line.slope)};
}

}  // namespace

// Linear between the given points, constant before the first and after the last.
LawOutput Piecewise(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  const std::vector<PiecewisePoint>& points = schedule.points;
  size_t next = 0;
  while (next < points.size() && points[next].step <= input.step) ++next;
  LawOutput out{.state = "piecewise", .next = state};
  if (next == 0 || next == points.size()) {
    const PiecewisePoint& point = next == 0 ? points.front() : points.back();
    out.bounds = {.upper = Between(point.upper, point.upper, 0),
                  .lower = Between(point.lower, point.lower, 0)};
    out.reason = absl::StrCat("piecewise: the values of the point at step ", point.step);
    return out;
  }
  const PiecewisePoint &a = points[next - 1], &b = points[next];
  const double t = static_cast<double>(input.step - a.step) / static_cast<double>(b.step - a.step);
  out.bounds = {.upper = Between(a.upper, b.upper, t), .lower = Between(a.lower, b.lower, t)};
  out.reason = absl::StrCat("piecewise: between the points at steps ", a.step, " and ", b.step);
  return out;
}

}  // namespace entrain::laws
