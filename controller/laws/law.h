#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/schedule.h"

namespace entrain {

// What a law remembers from one step to the next. Small, and carried by every directive, so that a trainer's
// checkpoint can bring it back.
struct LawState {
  std::optional<double> od_h_init;   // nats; od: measured at the first observation
  int od_raise = 0;                  // od: 1 raise, 0 lower
  int64_t revision = 0;              // of the schedule that made the last decision
  bool catching_up = false;          // guards: a person's edit is still being approached at the allowed rate
  std::optional<ClipBounds> bounds;  // guards: what was decided last
  friend bool operator==(const LawState&, const LawState&) = default;
};
std::string WriteLawState(const LawState& state);
// InvalidArgument when the text is not one of ours. "" is a fresh state.
absl::StatusOr<LawState> ReadLawState(absl::string_view text);

struct LawInput {
  int64_t step = 0;         // k
  int64_t total_steps = 1;  // K ≥ 1; past it a law stays at its end
  std::optional<double> entropy_nats;
};

struct LawOutput {
  ClipBounds bounds;
  std::string state;   // a word: "raise", "lower", "static", …
  std::string reason;  // a sentence
  LawState next;
};

// What can be used of a measurement: an entropy that is negative or not finite is one that was not measured.
std::optional<double> MeasuredEntropy(std::optional<double> entropy_nats);

// The law of `schedule` at one step; an entropy that was not measured leaves the state as it is. A pure
// function: equal arguments, equal answer, bit for bit. The schedule is valid. Formulas:
// docs/methods.md 1.2–1.4 (arXiv 2602.09782).
LawOutput ApplyLaw(const ClipSchedule& schedule, const LawState& state, const LawInput& input);

// Whether a law's output depends on what is measured.
bool IsClosedLoop(ClipLaw law);

std::string ClipLawName(ClipLaw law);
std::optional<ClipLaw> ClipLawFromName(absl::string_view name);

}  // namespace entrain
