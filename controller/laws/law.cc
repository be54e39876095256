#include "controller/laws/law.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "controller/laws/laws.h"
#include "controller/schedule_json.h"
#include "controller/strict_json.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<ClipLaw, const char*> kNames[] = {{ClipLaw::kStatic, "static"},
                                                      {ClipLaw::kId, "id"},
                                                      {ClipLaw::kDid, "did"},
                                                      {ClipLaw::kOd, "od"},
                                                      {ClipLaw::kPiecewise, "piecewise"}};

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

bool IsClosedLoop(ClipLaw law) { return law == ClipLaw::kOd; }

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
  }
  return laws::Static(schedule, state, input);
}

// A negative zero is equal to zero, and written otherwise.
void DropNegativeZeros(std::optional<ClipLine>& line) {
  if (line.has_value()) *line = {.intercept = line->intercept + 0.0, .slope = line->slope + 0.0};
}

}  // namespace

std::optional<double> MeasuredEntropy(std::optional<double> entropy_nats) {
  const bool measured = entropy_nats.has_value() && std::isfinite(*entropy_nats) && *entropy_nats >= 0;
  return measured ? entropy_nats : std::nullopt;
}

LawOutput ApplyLaw(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  LawInput measured = input;
  measured.entropy_nats = MeasuredEntropy(input.entropy_nats);
  LawOutput output = Decide(schedule, state, measured);
  DropNegativeZeros(output.bounds.upper);
  DropNegativeZeros(output.bounds.lower);
  return output;
}

std::string WriteLawState(const LawState& state) {
  Json out;
  if (state.od_h_init.has_value()) out["od_h_init"] = *state.od_h_init;
  out["od_raise"] = state.od_raise;
  out["revision"] = state.revision;
  out["catching_up"] = state.catching_up;
  if (state.bounds.has_value()) out["bounds"] = Json::parse(WriteBoundsJson(*state.bounds));
  return out.dump();
}

absl::StatusOr<LawState> ReadLawState(absl::string_view text) {
  LawState state;
  if (text.empty()) return state;
  const Json json = ParseStrictJson(text).value_or(nullptr);
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("law_state: expected what a directive carried, found ", text.substr(0, 60)));
  };
  if (!json.is_object()) return bad();
  if (json.contains("od_h_init")) {
    if (!json["od_h_init"].is_number()) return bad();
    state.od_h_init = json["od_h_init"].get<double>();
  }
  if (!json.contains("od_raise") || !json["od_raise"].is_number_integer() || !json.contains("revision") ||
      !json["revision"].is_number_integer() || !json.contains("catching_up") ||
      !json["catching_up"].is_boolean()) {
    return bad();
  }
  state.od_raise = json["od_raise"].get<int>() == 0 ? 0 : 1;
  state.revision = json["revision"].get<int64_t>();
  state.catching_up = json["catching_up"].get<bool>();
  if (json.contains("bounds")) {
    ENTRAIN_ASSIGN_OR_RETURN(state.bounds, ReadBoundsJson(json["bounds"].dump()));
  }
  return state;
}

}  // namespace entrain
