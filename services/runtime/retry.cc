#include "services/runtime/retry.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"

namespace entrain {
namespace {

// In small parts, so that a stop is noticed.
constexpr absl::Duration kNap = absl::Milliseconds(20);

void Pause(Clock& clock, absl::Duration pause, const std::stop_token& stop) {
  for (; pause > absl::ZeroDuration() && !stop.stop_requested(); pause -= kNap)
    clock.Sleep(stop.stop_possible() ? std::min(pause, kNap) : std::exchange(pause, absl::ZeroDuration()));
}

}  // namespace

absl::Duration PauseAfter(int tried, const RetryOptions& options) {
  const absl::Duration pause =
      std::min(options.initial_backoff * (int64_t{1} << std::min(tried, 30)), options.max_backoff);
  if (!options.jitter.has_value()) return pause;
  return pause * (0.5 + 0.5 * Rng(*options.jitter).Uniform(static_cast<uint64_t>(tried)));
}

absl::Status RetryUnavailable(absl::Duration deadline,
                              const std::function<absl::Status(absl::Duration left)>& attempt,
                              const RetryOptions& options) {
  Clock& clock = Clock::Real();
  const absl::Duration end = clock.Monotonic() + deadline;
  for (int tried = 0;; ++tried) {
    const absl::Status status = attempt(end - clock.Monotonic());
    const absl::Duration pause = PauseAfter(tried, options);
    if (!absl::IsUnavailable(status) || clock.Monotonic() + pause >= end) return status;
    Pause(clock, pause, options.stop);
    if (options.stop.stop_requested()) return absl::CancelledError("stopped");
  }
}

}  // namespace entrain
