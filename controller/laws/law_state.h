#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/directive.h"
#include "controller/laws/dial_law.h"
#include "controller/laws/inflection.h"

namespace entrain {

// thermostat: where it stands.
struct ThermostatState {
  enum class Mode { kHold, kUp, kDown };
  Mode mode = Mode::kHold;
  double ema = 0;     // smoothed entropy, nats
  int64_t count = 0;  // steps with a measured entropy so far
  friend bool operator==(const ThermostatState&, const ThermostatState&) = default;
};

// What the laws of a schedule remember from one step to the next. Small, and carried by every directive, so
// that a trainer's checkpoint can bring it back.
struct LawState {
  std::optional<double> h_init;               // H_0, nats: the first entropy that was measured
  int od_raise = 0;                           // od: 1 raise, 0 lower
  std::optional<InflectionState> inflection;  // id, did with advance: inflection
  std::optional<int64_t> phase_begin;         // where it found the second phase to begin
  std::optional<ThermostatState> thermostat;
  int64_t revision = 0;              // of the schedule that made the last decision
  bool catching_up = false;          // guards: a person's edit is still being approached at the allowed rate
  std::optional<ClipBounds> bounds;  // guards: what was decided last
  std::map<std::string, DialState> dials;  // of the dials in the schedule, by name
  friend bool operator==(const LawState&, const LawState&) = default;
};
std::string WriteLawState(const LawState& state);
// InvalidArgument when the text is not one of ours; what an older version wrote is. "" is a fresh state.
absl::StatusOr<LawState> ReadLawState(absl::string_view text);

}  // namespace entrain
