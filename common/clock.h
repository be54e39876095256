#pragma once

#include "absl/time/time.h"

namespace entrain {

// Time as a collaborator, so that tests own it (tests/testing/manual_clock.h). No decision about training
// data or thresholds may depend on it: it serves deadlines, leases and log lines only. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, for people.
  virtual absl::Time Now() = 0;
  // Never goes back; for intervals and deadlines. The origin is arbitrary.
  virtual absl::Duration Monotonic() = 0;
  virtual void Sleep(absl::Duration duration) = 0;

  // The machine's clock; lives for ever.
  static Clock& Real();
};

}  // namespace entrain
