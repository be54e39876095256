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
enum class ClipLaw { kStatic, kId, kDid, kOd, kPiecewise, kThermostat };

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

// When the second phase of id and did begins: at the planned step, at a step that a person writes, or where
// the measured entropy bends.
enum class PhaseAdvance { kSteps, kHand, kInflection };

// An online detector of the point where a series' growth falls below its early growth (NOVA, arXiv
// 2602.01345; docs/methods.md 3). Samples are steps with a measured entropy.
struct InflectionSettings {
  int64_t n_base = 2;       // ≥ 1: how many early growths the baseline is the mean of
  double margin = 1.0;      // > 0: factor of the baseline
  double ema = 0.2;         // (0, 1]: weight of the newest sample in the smoothed series; 1 does not smooth
  int64_t hits = 2;         // ≥ 1: growths below the baseline in a row
  int64_t refractory = 20;  // ≥ 0: samples after a find without another one
  friend bool operator==(const InflectionSettings&, const InflectionSettings&) = default;
};

struct PhaseSchedule {
  PhaseAdvance advance = PhaseAdvance::kSteps;
  std::optional<int64_t> begin;  // hand: first step of the second phase, ≥ 0; absent: not yet
  InflectionSettings inflection;
  friend bool operator==(const PhaseSchedule&, const PhaseSchedule&) = default;
};

// Constant epsilons of both sides; nullopt: that side is off.
struct EpsilonBox {
  std::optional<double> low;   // eps_minus, [0, 1]
  std::optional<double> high;  // eps_plus, ≥ 0
  friend bool operator==(const EpsilonBox&, const EpsilonBox&) = default;
};

// Settings of the law thermostat (docs/methods.md 7.3). Between its two boxes it holds the box eps_std.
struct ThermostatSettings {
  double target = 1.0;           // nats, > 0
  double band = 0.4;             // nats, ≥ 0
  double ema = 0.2;              // (0, 1]: weight of the newest entropy in the smoothed one
  int64_t interval = 16;         // ≥ 1: measured steps from decision to decision
  EpsilonBox up{.low = 0.05};    // raises entropy: clips what lowers it, and nothing above
  EpsilonBox down{.high = 0.1};  // lowers entropy
  friend bool operator==(const ThermostatSettings&, const ThermostatSettings&) = default;
};

// `clip:` of a schedule (docs/formats.md). Defaults are the paper's values (methods.md 1.6).
struct ClipSchedule {
  ClipLaw law = ClipLaw::kStatic;
  std::optional<int64_t> total_steps;  // K; absent: the run's number of steps, as registered
  double phase_split = 0.5;            // (0, 1)
  PhaseSchedule phase;                 // id, did
  double eps_std = 0.2;                // [0, 1]
  std::optional<ClipSide> upper;       // H(p); absent: {0.5, −0.25}, and for static the box eps_std
  std::optional<ClipSide> lower;       // M(p); absent: {0.3, −0.13}, and for static the box eps_std
  std::optional<double> od_h_init;     // nats; absent: the first that the run measured
  double od_h_min_ratio = 0.2;         // (0, 1)
  ThermostatSettings thermostat;
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
  // The fields whose law depends on what is measured, each with its law: "clip.law (od)", "dials.x (aer)".
  std::vector<std::string> ClosedLoops() const;
  // Whether its bounds always have slope 0, so that an objective with a plain box can use it.
  bool NeedsLines() const;
};

// Legal range of a pair of lines: u0 ≥ 0, u0+u1 ≥ 0, u1 < 1, 0 ≤ l0 ≤ 1, l0+l1 ≥ 0, l1 > −1, all finite.
absl::Status ValidateBounds(const ClipBounds& bounds);

}  // namespace entrain
