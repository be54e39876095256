#include "controller/laws/dial_laws.h"

namespace entrain::laws {

// Linear between the given points, constant before the first and after the last; over steps k or over the
// position k/K.
DialOutput Dial(const PiecewiseDial& law, const DialState&, const LawInput& input) {
  const double at = law.by_position ? StepOf(input) / static_cast<double>(input.total_steps)
                                    : static_cast<double>(input.step);
  size_t next = 0;
  while (next < law.points.size() && law.points[next].at <= at) ++next;
  DialOutput out{.reason = "piecewise"};
  if (next == 0 || next == law.points.size()) {
    out.value = next == 0 ? law.points.front().value : law.points.back().value;
  } else {
    const DialPoint &a = law.points[next - 1], &b = law.points[next];
    const double t = (at - a.at) / (b.at - a.at);
    out.value = at == a.at ? a.value : a.value + t * (b.value - a.value);
  }
  return out;
}

}  // namespace entrain::laws
