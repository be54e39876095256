#pragma once

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// The times of one item. What the item grants its program is processor time; beside it, a looser limit of
// wall time, in which starving for a processor does not count, ends programs that sleep or wait. Past these
// the program is at fault. What the caller grants us is time of the clock; past it we are, unless the program
// has had all that the item grants.
class TimeBudget {
 public:
  TimeBudget(absl::Duration per_test, absl::Duration total, absl::Duration time_left)
      : per_test_(per_test), total_(total), end_of_call_(Clock::Real().Monotonic() + time_left) {}

  // Of a run that begins now; its steps are tests.
  void Limit(SandboxLimits& limits) const {
    limits.cpu = total_ - cpu_;
    limits.wall = WallLimit(total_) - wall_;
    limits.step_cpu = per_test_;
    limits.step_wall = WallLimit(per_test_);
    limits.deadline = left_of_call();
  }

  // A run has used this. `starved`: also of others that it waited for.
  void Spend(absl::Duration cpu, absl::Duration wall, absl::Duration starved) {
    cpu_ += cpu;
    wall_ += std::max(wall - starved, absl::ZeroDuration());
  }

  absl::Duration left_of_call() const { return end_of_call_ - Clock::Real().Monotonic(); }
  bool OursIsOver() const { return left_of_call() <= absl::ZeroDuration(); }
  // The item's limit that its runs together are past; "" when there is none.
  std::string ItemIsPast() const {
    if (cpu_ >= total_)
      return absl::StrFormat("cpu time of %g s for all tests", absl::ToDoubleSeconds(total_));
    if (wall_ >= WallLimit(total_))
      return absl::StrFormat("wall time of %g s for all tests", absl::ToDoubleSeconds(WallLimit(total_)));
    return "";
  }
  // When the caller's time is over: the program has had on processors, or slept and waited, all the time that
  // the item grants. `test`: of the test that was open, as Spend counts.
  bool ItemHadItsTime(absl::Duration test) const { return wall_ >= total_ || test >= per_test_; }

  static absl::Duration WallLimit(absl::Duration cpu) { return 2 * cpu + absl::Seconds(1); }

 private:
  const absl::Duration per_test_, total_, end_of_call_;
  absl::Duration cpu_, wall_;  // spent
};

}  // namespace entrain
