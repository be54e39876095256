#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/clock.h"
#include "verifier/code/code_options.h"
#include "verifier/judge.h"

namespace entrain {

// The times of one item: what the item grants its program, past which the program is at fault, and what the
// caller grants us, past which we are.
class TimeBudget {
 public:
  TimeBudget(const CodeOptions& options, const JudgeContext& context)
      : start_(Clock::Real().Monotonic()), total_(options.total), caller_(context.time_left) {}

  absl::Duration elapsed() const { return Clock::Real().Monotonic() - start_; }
  absl::Duration left_of_item() const { return total_ - elapsed(); }
  absl::Duration left_of_call() const { return caller_ - elapsed(); }
  absl::Duration left() const { return std::min(total_, caller_) - elapsed(); }
  // Time has run out, and it was the caller's.
  bool OursIsOver() const { return left_of_call() <= absl::ZeroDuration(); }
  bool ItemIsOver() const { return left_of_item() <= absl::ZeroDuration(); }

 private:
  absl::Duration start_, total_, caller_;
};

}  // namespace entrain
