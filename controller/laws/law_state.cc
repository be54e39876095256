#include "controller/laws/law_state.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "controller/schedule_json.h"
#include "controller/strict_json.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

void WriteOptional(const char* key, const std::optional<double>& number, Json& out) {
  if (number.has_value()) out[key] = *number;
}

// False when there is something else than a number.
bool ReadOptional(const Json& json, const char* key, std::optional<double>& number) {
  if (!json.contains(key)) return true;
  if (!json[key].is_number()) return false;
  number = json[key].get<double>();
  return true;
}

Json DialJson(const DialState& state) {
  Json out;
  out["law"] = state.law;
  WriteOptional("value", state.value, out);
  WriteOptional("target", state.target, out);
  out["integral"] = state.integral;
  return out;
}

bool ReadDial(const Json& json, DialState& state) {
  if (!json.is_object() || !json.contains("law") || !json["law"].is_string()) return false;
  state.law = json["law"].get<std::string>();
  std::optional<double> integral;
  const bool good = ReadOptional(json, "value", state.value) && ReadOptional(json, "target", state.target) &&
                    ReadOptional(json, "integral", integral);
  state.integral = integral.value_or(0);
  return good;
}

bool ReadDials(const Json& json, std::map<std::string, DialState>& dials) {
  if (!json.contains("dials")) return true;
  if (!json["dials"].is_object()) return false;
  for (const auto& [name, dial] : json["dials"].items()) {
    if (!ReadDial(dial, dials[name])) return false;
  }
  return true;
}

using Mode = ThermostatState::Mode;
constexpr std::pair<Mode, const char*> kModes[] = {
    {Mode::kHold, "hold"}, {Mode::kUp, "up"}, {Mode::kDown, "down"}};

Json ThermostatJson(const ThermostatState& state) {
  Json out;
  for (const auto& [mode, name] : kModes) {
    if (mode == state.mode) out["mode"] = name;
  }
  out["ema"] = state.ema;
  out["count"] = state.count;
  return out;
}

// A count that a sum or a remainder of ours can take.
bool ReadCount(const Json& json, const char* key, int64_t& count) {
  if (!json.contains(key) || !json[key].is_number_integer()) return false;
  count = json[key].get<int64_t>();
  return count >= 0 && count <= (int64_t{1} << 53);
}
bool ReadNumber(const Json& json, const char* key, double& number) {
  if (!json.contains(key) || !json[key].is_number()) return false;
  number = json[key].get<double>();
  return true;
}

bool ReadThermostat(const Json& json, std::optional<ThermostatState>& out) {
  if (!json.contains("thermostat")) return true;
  const Json& from = json["thermostat"];
  if (!from.is_object() || !from.contains("mode")) return false;
  ThermostatState state;
  bool known = false;
  for (const auto& [mode, name] : kModes) {
    if (from["mode"] != name) continue;
    state.mode = mode;
    known = true;
  }
  out = state;
  return known && ReadNumber(from, "ema", out->ema) && ReadCount(from, "count", out->count);
}

Json InflectionJson(const InflectionState& state) {
  return {{"samples", state.samples},   {"smoothed", state.smoothed}, {"growth", state.growth},
          {"base_sum", state.base_sum}, {"bases", state.bases},       {"hits", state.hits},
          {"quiet", state.quiet}};
}

bool ReadInflection(const Json& json, std::optional<InflectionState>& out) {
  if (!json.contains("inflection")) return true;
  const Json& from = json["inflection"];
  if (!from.is_object()) return false;
  out = InflectionState{};
  return ReadCount(from, "samples", out->samples) && ReadNumber(from, "smoothed", out->smoothed) &&
         ReadNumber(from, "growth", out->growth) && ReadNumber(from, "base_sum", out->base_sum) &&
         ReadCount(from, "bases", out->bases) && ReadCount(from, "hits", out->hits) &&
         ReadCount(from, "quiet", out->quiet);
}

}  // namespace

std::string WriteLawState(const LawState& state) {
  Json out;
  WriteOptional("h_init", state.h_init, out);
  out["od_raise"] = state.od_raise;
  out["revision"] = state.revision;
  out["catching_up"] = state.catching_up;
  if (state.bounds.has_value()) out["bounds"] = Json::parse(WriteBoundsJson(*state.bounds));
  if (state.inflection.has_value()) out["inflection"] = InflectionJson(*state.inflection);
  if (state.phase_begin.has_value()) out["phase_begin"] = *state.phase_begin;
  if (state.thermostat.has_value()) out["thermostat"] = ThermostatJson(*state.thermostat);
  for (const auto& [name, dial] : state.dials) out["dials"][name] = DialJson(dial);
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
  // Before there were dials, H_0 was kept for od alone.
  if (!json.is_object() || !ReadOptional(json, "od_h_init", state.h_init) ||
      !ReadOptional(json, "h_init", state.h_init) || MeasuredEntropy(state.h_init) != state.h_init)
    return bad();
  int64_t od_raise = 0;
  if (!ReadCount(json, "od_raise", od_raise) || od_raise > 1 ||
      !ReadCount(json, "revision", state.revision) || !json.contains("catching_up") ||
      !json["catching_up"].is_boolean()) {
    return bad();
  }
  state.od_raise = static_cast<int>(od_raise);
  state.catching_up = json["catching_up"].get<bool>();
  if (json.contains("bounds")) {
    ENTRAIN_ASSIGN_OR_RETURN(state.bounds, ReadBoundsJson(json["bounds"].dump()));
    if (!ValidateBounds(*state.bounds).ok()) return bad();
  }
  if (!ReadDials(json, state.dials) || !ReadThermostat(json, state.thermostat) ||
      !ReadInflection(json, state.inflection)) {
    return bad();
  }
  if (json.contains("phase_begin") && !ReadCount(json, "phase_begin", state.phase_begin.emplace()))
    return bad();
  return state;
}

}  // namespace entrain
