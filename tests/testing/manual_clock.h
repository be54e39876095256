#pragma once

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace entrain {

// Time that moves only when the test says so. Sleep() moves it. Thread-safe.
class ManualClock final : public Clock {
 public:
  absl::Time Now() override { return absl::UnixEpoch() + Monotonic(); }
  absl::Duration Monotonic() override {
    MutexLock lock(mutex_);
    return elapsed_;
  }
  void Sleep(absl::Duration duration) override { Advance(duration); }
  void Advance(absl::Duration duration) {
    MutexLock lock(mutex_);
    elapsed_ += duration;
  }

 private:
  Mutex mutex_;
  absl::Duration elapsed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
