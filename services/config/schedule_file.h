#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/schedule.h"

namespace entrain {

// A schedule in YAML: `clip:` and `guards:` at the top, or under `schedule:` as in a run file, with overrides
// "clip.eps_std=0.3". Checked. All problems at once, with file and line.
absl::StatusOr<Schedule> ReadScheduleFile(const std::string& path, const std::vector<std::string>& overrides);

// A schedule with overrides "clip.eps_std=0.3"; "clip.ratio_bounds.…" replaces the box that the schedule has.
absl::StatusOr<Schedule> OverrideSchedule(const Schedule& schedule,
                                          const std::vector<std::string>& overrides);

}  // namespace entrain
