#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "verifier/code/test_report.h"
#include "verifier/code/time_budget.h"
#include "verifier/judge.h"

namespace entrain {

// The run of a test was stopped from outside: the caller's time is over, or nobody waits any longer. `test`:
// what the test ran, slept and waited. `name` begins the detail.
inline void FailAtDeadline(const JudgeContext& context, const TimeBudget& time, absl::Duration test,
                           const std::string& name, TestReport& report) {
  if (context.stop.stop_requested()) {
    report.Fail(VerdictKind::kTimeout, "the caller went away");
  } else if (time.ItemHadItsTime(test)) {
    report.Fail(VerdictKind::kLimit, absl::StrCat(name, "wall time: it slept or waited until the deadline"),
                /*by_time=*/true);
  } else {
    report.Fail(VerdictKind::kTimeout, absl::StrCat(name, "the deadline passed while it ran"));
  }
}

}  // namespace entrain
