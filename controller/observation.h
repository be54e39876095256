#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "controller/directive.h"

namespace entrain {

// What a trainer measured at one step. `entropy` is of the batch of `step`, before its update; everything
// else may describe the step before.
struct Observation {
  std::string run_id;
  int64_t attempt = 0;
  int64_t step = 0;
  // The step the answer is wanted for: `step` when the trainer reports before its update, step + 1 when it
  // can only report after.
  int64_t for_step = 0;
  std::optional<double> entropy_nats;  // mean over all response tokens; absent when not measured, never NaN
  std::map<std::string, double> metrics;  // finite values by the names of metrics.jsonl
  int64_t applied_directive_id = 0;       // what was really used in the step before; 0: none yet
  std::optional<ClipBounds> applied_bounds;
  std::map<std::string, double> applied_dials;
};

}  // namespace entrain
