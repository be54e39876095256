#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rng.h"

namespace entrain {

struct RetryOptions {
  absl::Duration initial_backoff = absl::Milliseconds(50);  // doubles from try to try
  absl::Duration max_backoff = absl::Seconds(1);
  // With it, a pause is drawn between half of its length and all of it, so that callers that were sent away
  // together do not come back together. Another key for every caller and every call.
  std::optional<RngKey> jitter;
  std::stop_token stop;  // ends a pause, and the tries with it
};

// The pause after try number `tried`, from 0. Pure.
absl::Duration PauseAfter(int tried, const RetryOptions& options);

// Calls `attempt` with the time that is left until it answers something else than Unavailable or until
// `deadline` has passed; then the last answer. Only for calls whose contract says that a repeat is safe.
// DeadlineExceeded of one attempt is final: the time is over. Cancelled when a stop is requested in a pause.
absl::Status RetryUnavailable(absl::Duration deadline,
                              const std::function<absl::Status(absl::Duration left)>& attempt,
                              const RetryOptions& options = {});

}  // namespace entrain
