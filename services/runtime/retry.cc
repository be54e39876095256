#include "services/runtime/retry.h"

#include <algorithm>

#include "common/clock.h"

namespace entrain {

absl::Status RetryUnavailable(absl::Duration deadline,
                              const std::function<absl::Status(absl::Duration left)>& attempt,
                              const RetryOptions& options) {
  Clock& clock = Clock::Real();
  const absl::Duration end = clock.Monotonic() + deadline;
  absl::Duration backoff = options.initial_backoff;
  while (true) {
    const absl::Status status = attempt(end - clock.Monotonic());
    if (!absl::IsUnavailable(status) || clock.Monotonic() + backoff >= end) return status;
    clock.Sleep(backoff);
    backoff = std::min(backoff * 2, options.max_backoff);
  }
}

}  // namespace entrain
