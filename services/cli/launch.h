#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/config/run_config.h"
#include "services/runtime/signal_waiter.h"

namespace entrain {

struct LaunchOptions {
  bool resume = false;  // from the newest complete checkpoint
  bool apply_schedule = false;
  bool no_progress = false;
  bool json = false;  // "started" and "ended" on standard output, and no progress
};

struct LaunchOutcome {
  int status = 0;
  bool interrupted = false;  // by a signal, before its end
};

// One launch of a run, from start to end: a new attempt in RUN with `given` (the file it was started from)
// and the effective configuration, all processes under a supervisor, progress and summary on standard error.
// An error: it could not be started.
absl::StatusOr<LaunchOutcome> Launch(const LaunchOptions& options, const RunConfig& config,
                                     const std::string& given, const std::string& run, SignalWaiter& signals);

// Whether a run has made all its steps and its export.
bool IsFinished(const std::string& run, const RunConfig& config);

// Gives RUN the model that another run began with, warmed up, so that both begin alike.
absl::Status CopyStartingModel(const std::string& from, const std::string& run);

}  // namespace entrain
