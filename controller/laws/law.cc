#include "controller/laws/law.h"

#include <utility>

#include "controller/laws/laws.h"

namespace entrain {
namespace {

constexpr std::pair<ClipLaw, const char*> kNames[] = {{ClipLaw::kStatic, "static"},
                                                      {ClipLaw::kId, "id"},
                                                      {ClipLaw::kDid, "did"},
                                                      {ClipLaw::kOd, "od"},
                                                      {ClipLaw::kPiecewise, "piecewise"},
                                                      {ClipLaw::kThermostat, "thermostat"}};

}  // namespace

std::string ClipLawName(ClipLaw law) {
  for (const auto& [value, name] : kNames) {
    if (value == law) return name;
  }
  return "";
}

std::optional<ClipLaw> ClipLawFromName(absl::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

bool IsClosedLoop(ClipLaw law) { return law == ClipLaw::kOd || law == ClipLaw::kThermostat; }

namespace {

LawOutput Decide(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  switch (schedule.law) {
    case ClipLaw::kStatic:
      return laws::Static(schedule, state, input);
    case ClipLaw::kId:
      return laws::Id(schedule, state, input);
    case ClipLaw::kDid:
      return laws::Did(schedule, state, input);
    case ClipLaw::kOd:
      return laws::Od(schedule, state, input);
    case ClipLaw::kPiecewise:
      return laws::Piecewise(schedule, state, input);
    case ClipLaw::kThermostat:
      return laws::Thermostat(schedule, state, input);
  }
  return laws::Static(schedule, state, input);
}

// What only the law in force may go on from: another one starts afresh.
LawState OwnState(const ClipSchedule& schedule, LawState state) {
  const bool detects = (schedule.law == ClipLaw::kId || schedule.law == ClipLaw::kDid) &&
                       schedule.phase.advance == PhaseAdvance::kInflection;
  if (!detects) {
    state.inflection.reset();
    state.phase_begin.reset();
  }
  if (schedule.law != ClipLaw::kThermostat) state.thermostat.reset();
  return state;
}

// A negative zero is equal to zero, and written otherwise.
void DropNegativeZeros(std::optional<ClipLine>& line) {
  if (line.has_value()) *line = {.intercept = line->intercept + 0.0, .slope = line->slope + 0.0};
}

}  // namespace

LawOutput ApplyLaw(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  LawState own = OwnState(schedule, state);
  LawInput measured = input;
  measured.entropy_nats = MeasuredEntropy(input.entropy_nats);
  if (!own.h_init.has_value()) own.h_init = measured.entropy_nats;
  measured.h_init = own.h_init;
  LawOutput output = Decide(schedule, own, measured);
  DropNegativeZeros(output.bounds.upper);
  DropNegativeZeros(output.bounds.lower);
  return output;
}

}  // namespace entrain
