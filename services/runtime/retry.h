#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace entrain {

struct RetryOptions {
  absl::Duration initial_backoff = absl::Milliseconds(50);  // doubles from try to try
  absl::Duration max_backoff = absl::Seconds(1);
};

// Calls `attempt` with the time that is left until it answers something else than Unavailable or until
// `deadline` has passed; then the last answer. Only for calls whose contract says that a repeat is safe.
// DeadlineExceeded of one attempt is final: the time is over.
absl::Status RetryUnavailable(absl::Duration deadline,
                              const std::function<absl::Status(absl::Duration left)>& attempt,
                              const RetryOptions& options = {});

}  // namespace entrain
