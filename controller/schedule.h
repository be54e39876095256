#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controller/dial_schedule.h"
#include "controller/directive.h"

namespace entrain {

// Laws of the clip bounds; formulas in controller/laws/ and docs/methods.md.
enum class ClipLaw { kStatic, kId, kDid, kOd, kPiecewise };

// A side of a static box may be a line or off; "not given" means the box eps_std.
struct ClipSide {
  bool off = false;
  ClipLine line;
  friend bool operator==(const ClipSide&, const ClipSide&) = default;
};

struct PiecewisePoint {
  int64_t step = 0;
  ClipSide upper;
  ClipSide lower;
  friend bool operator==(const PiecewisePoint&, const PiecewisePoint&) = default;
};

// `clip:` of a schedule (docs/formats.md). Defaults are the paper's values (methods.md 1.6).
struct ClipSchedule {
  ClipLaw law = ClipLaw::kStatic;
  std::optional<int64_t> total_steps;  // K; absent: the run's number of steps, as registered
  double phase_split = 0.5;            // (0, 1)
  double eps_std = 0.2;                // [0, 1]
  std::optional<ClipSide> upper;       // H(p); absent: {0.5, −0.25}, and for static the box eps_std
  std::optional<ClipSide> lower;       // M(p); absent: {0.3, −0.13}, and for static the box eps_std
  std::optional<double> od_h_init;     // nats; absent: measured at the first observation
  double od_h_min_ratio = 0.2;         // (0, 1)
  std::vector<PiecewisePoint> points;  // piecewise: strictly increasing steps, at least one; a side that is
                                       // off must be off everywhere
  friend bool operator==(const ClipSchedule&, const ClipSchedule&) = default;
};

struct Guards {
  std::optional<double>
      max_change_per_step;  // of each scalar; > 0. Applies to closed-loop laws and manual edits
  double dead_band = 0;     // ≥ 0: a smaller change of every scalar is not made
  friend bool operator==(const Guards&, const Guards&) = default;
};

// What a person edits: one revision of it is in force at every step.
struct Schedule {
  ClipSchedule clip;
  std::map<std::string, DialSchedule> dials;  // by the names of controller/dials.h
  Guards guards;
  friend bool operator==(const Schedule&, const Schedule&) = default;

  // All problems at once, one per line, each naming the field ("clip.upper: …, expected …, found …"). Legal
  // ranges: methods.md 12.
  absl::Status Validate() const;
  // Whether its bounds always have slope 0, so that an objective with a plain box can use it.
  bool NeedsLines() const;
};

// Legal range of a pair of lines: u0 ≥ 0, u0+u1 ≥ 0, u1 < 1, 0 ≤ l0 ≤ 1, l0+l1 ≥ 0, l1 > −1, all finite.
absl::Status ValidateBounds(const ClipBounds& bounds);

}  // namespace entrain
