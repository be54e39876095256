#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/schedule.h"

namespace entrain {

// A schedule as JSON, with the keys of docs/formats.md ("A schedule"); a side that is off is null. Canonical:
// equal schedules, equal texts.
std::string WriteScheduleJson(const Schedule& schedule);

// Strict: unknown keys and wrong types are named, with the nearest right name, all at once; a key that stands
// twice is refused. The result is not validated. `ratio_bounds` becomes the box it means.
absl::StatusOr<Schedule> ReadScheduleJson(absl::string_view json);

// {"upper": [intercept, slope] | null, "lower": …}.
std::string WriteBoundsJson(const ClipBounds& bounds);
absl::StatusOr<ClipBounds> ReadBoundsJson(absl::string_view json);

// What differs, one line a key, `clip.eps_std: 0.2 → 0.3`; empty when equal.
std::string DiffSchedules(const Schedule& from, const Schedule& to);

}  // namespace entrain
