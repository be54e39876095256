#include "controller/schedule_json.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "controller/dial_json.h"
#include "controller/json_reader.h"
#include "controller/laws/law.h"
#include "controller/strict_json.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

Json SideJson(const ClipSide& side) {
  if (side.off) return nullptr;
  return {{"intercept", side.line.intercept}, {"slope", side.line.slope}};
}

void ReadPoints(const Json& json, ClipSchedule& clip, JsonReader& reader) {
  const std::string field = "clip.piecewise";
  if (!reader.Object(field, json, {"points"}) || !json.contains("points")) return;
  if (!json["points"].is_array()) return reader.Wrong(field + ".points", "a list", json["points"]);
  for (size_t i = 0; i < json["points"].size(); ++i) {
    const Json& entry = json["points"][i];
    const std::string name = absl::StrCat(field, ".points[", i, "]");
    if (!reader.Object(name, entry, {"step", "upper", "lower"})) continue;
    PiecewisePoint point;
    if (!entry.contains("step") || !entry["step"].is_number_integer()) {
      reader.problems.push_back(absl::StrCat(name, ".step: expected a whole number"));
    } else {
      point.step = entry["step"].get<int64_t>();
    }
    for (const auto& [key, side] : {std::pair("upper", &point.upper), std::pair("lower", &point.lower)}) {
      if (entry.contains(key)) {
        *side = reader.Side(absl::StrCat(name, ".", key), entry[key]);
      } else {
        reader.problems.push_back(absl::StrCat(name, ".", key, " is missing"));
      }
    }
    clip.points.push_back(point);
  }
}

void ReadRatioBounds(const Json& json, bool beside_eps_std, ClipSchedule& clip, JsonReader& reader) {
  const std::string field = "clip.ratio_bounds";
  if (!reader.Object(field, json, {"low", "high"})) return;
  double low = 0.8, high = 1.2;
  for (const char* key : {"low", "high"}) {
    if (!json.contains(key)) reader.problems.push_back(absl::StrCat(field, ".", key, " is missing"));
  }
  reader.Number(field, json, "low", low);
  reader.Number(field, json, "high", high);
  if (low < 0 || low > 1)
    reader.Wrong(field + ".low", "an absolute ratio from 0 to 1, such as 0.8", json.value("low", Json()));
  if (high < 1)
    reader.Wrong(field + ".high", "an absolute ratio of at least 1, such as 1.28",
                 json.value("high", Json()));
  if (clip.law != ClipLaw::kStatic || beside_eps_std || clip.upper.has_value() || clip.lower.has_value()) {
    reader.problems.push_back(
        absl::StrCat(field, ": only with law: static, and without eps_std, upper and lower"));
  }
  clip.upper = ClipSide{.line = {.intercept = high - 1, .slope = 0}};
  clip.lower = ClipSide{.line = {.intercept = 1 - low, .slope = 0}};
}

void ReadOd(const Json& json, ClipSchedule& clip, JsonReader& reader) {
  if (!reader.Object("clip.od", json, {"h_init", "h_min_ratio"})) return;
  if (json.contains("h_init") && json["h_init"] != "measured")
    reader.OptionalNumber("clip.od", json, "h_init", clip.od_h_init);
  reader.Number("clip.od", json, "h_min_ratio", clip.od_h_min_ratio);
}

constexpr std::pair<PhaseAdvance, const char*> kAdvances[] = {{PhaseAdvance::kSteps, "steps"},
                                                              {PhaseAdvance::kHand, "hand"},
                                                              {PhaseAdvance::kInflection, "inflection"}};

Json PhaseJson(const PhaseSchedule& phase) {
  Json out;
  for (const auto& [advance, name] : kAdvances) {
    if (advance == phase.advance) out["advance"] = name;
  }
  out["begin"] = phase.begin.has_value() ? Json(*phase.begin) : Json(nullptr);
  const InflectionSettings& detector = phase.inflection;
  out["inflection"] = {{"n_base", detector.n_base},
                       {"margin", detector.margin},
                       {"ema", detector.ema},
                       {"hits", detector.hits},
                       {"refractory", detector.refractory}};
  return out;
}

void ReadPhase(const Json& json, PhaseSchedule& phase, JsonReader& reader) {
  if (json.is_null() || !reader.Object("clip.phase", json, {"advance", "begin", "inflection"})) return;
  if (json.contains("advance")) {
    const auto found =
        std::ranges::find_if(kAdvances, [&](const auto& one) { return json["advance"] == one.second; });
    if (found != std::end(kAdvances)) {
      phase.advance = found->first;
    } else {
      reader.Wrong("clip.phase.advance", "steps, hand or inflection", json["advance"]);
    }
  }
  if (json.contains("begin") && !json["begin"].is_null())
    reader.Whole("clip.phase", json, "begin", phase.begin.emplace());
  if (!json.contains("inflection")) return;
  const std::string field = "clip.phase.inflection";
  const Json& from = json["inflection"];
  InflectionSettings& detector = phase.inflection;
  if (!reader.Object(field, from, {"n_base", "margin", "ema", "hits", "refractory"})) return;
  reader.Whole(field, from, "n_base", detector.n_base);
  reader.Number(field, from, "margin", detector.margin);
  reader.Number(field, from, "ema", detector.ema);
  reader.Whole(field, from, "hits", detector.hits);
  reader.Whole(field, from, "refractory", detector.refractory);
}

Json BoxJson(const EpsilonBox& box) {
  return {{"low", box.low.has_value() ? Json(*box.low) : Json(nullptr)},
          {"high", box.high.has_value() ? Json(*box.high) : Json(nullptr)}};
}

void ReadBox(const std::string& field, const Json& json, EpsilonBox& box, JsonReader& reader) {
  if (!reader.Object(field, json, {"low", "high"})) return;
  for (const auto& [key, side] : {std::pair("low", &box.low), {"high", &box.high}}) {
    if (!json.contains(key)) continue;
    side->reset();
    if (!IsOff(json[key])) reader.OptionalNumber(field, json, key, *side);
  }
}

Json ThermostatJson(const ThermostatSettings& settings) {
  return {{"target", settings.target},     {"band", settings.band},      {"ema", settings.ema},
          {"interval", settings.interval}, {"up", BoxJson(settings.up)}, {"down", BoxJson(settings.down)}};
}

void ReadThermostat(const Json& json, ThermostatSettings& settings, JsonReader& reader) {
  const std::string field = "clip.thermostat";
  if (json.is_null() || !reader.Object(field, json, {"target", "band", "ema", "interval", "up", "down"}))
    return;
  reader.Number(field, json, "target", settings.target);
  reader.Number(field, json, "band", settings.band);
  reader.Number(field, json, "ema", settings.ema);
  reader.Whole(field, json, "interval", settings.interval);
  if (json.contains("up")) ReadBox(field + ".up", json["up"], settings.up, reader);
  if (json.contains("down")) ReadBox(field + ".down", json["down"], settings.down, reader);
}

void ReadClip(const Json& json, ClipSchedule& clip, JsonReader& reader) {
  if (!reader.Object("clip", json,
                     {"law", "total_steps", "phase_split", "phase", "eps_std", "upper", "lower", "od",
                      "piecewise", "thermostat", "ratio_bounds"}))
    return;
  if (json.contains("law")) {
    const auto law = json["law"].is_string() ? ClipLawFromName(json["law"].get<std::string>()) : std::nullopt;
    if (law.has_value()) {
      clip.law = *law;
    } else {
      reader.Wrong("clip.law", "static, id, did, od, piecewise or thermostat", json["law"]);
    }
  }
  if (json.contains("total_steps") && !json["total_steps"].is_null()) {
    if (json["total_steps"].is_number_integer()) {
      clip.total_steps = json["total_steps"].get<int64_t>();
    } else {
      reader.Wrong("clip.total_steps", "a whole number or null", json["total_steps"]);
    }
  }
  reader.Number("clip", json, "phase_split", clip.phase_split);
  reader.Number("clip", json, "eps_std", clip.eps_std);
  if (json.contains("upper")) clip.upper = reader.Side("clip.upper", json["upper"]);
  if (json.contains("lower")) clip.lower = reader.Side("clip.lower", json["lower"]);
  if (json.contains("phase")) ReadPhase(json["phase"], clip.phase, reader);
  if (json.contains("thermostat")) ReadThermostat(json["thermostat"], clip.thermostat, reader);
  if (json.contains("od")) ReadOd(json["od"], clip, reader);
  if (json.contains("piecewise")) ReadPoints(json["piecewise"], clip, reader);
  if (json.contains("ratio_bounds"))
    ReadRatioBounds(json["ratio_bounds"], json.contains("eps_std"), clip, reader);
}

// Every leaf with its dotted name.
void Flatten(const std::string& prefix, const Json& json, std::map<std::string, std::string>& out) {
  if (json.is_object() && !json.empty()) {
    for (const auto& [key, value] : json.items())
      Flatten(prefix.empty() ? key : absl::StrCat(prefix, ".", key), value, out);
  } else {
    out[prefix] = json.dump();
  }
}

}  // namespace

std::string WriteScheduleJson(const Schedule& schedule) {
  const ClipSchedule& clip = schedule.clip;
  Json out;
  out["law"] = ClipLawName(clip.law);
  out["total_steps"] = clip.total_steps.has_value() ? Json(*clip.total_steps) : Json(nullptr);
  out["phase_split"] = clip.phase_split;
  if (clip.phase != PhaseSchedule{}) out["phase"] = PhaseJson(clip.phase);
  out["eps_std"] = clip.eps_std;
  if (clip.upper.has_value()) out["upper"] = SideJson(*clip.upper);
  if (clip.lower.has_value()) out["lower"] = SideJson(*clip.lower);
  out["od"] = {{"h_init", clip.od_h_init.has_value() ? Json(*clip.od_h_init) : Json("measured")},
               {"h_min_ratio", clip.od_h_min_ratio}};
  if (clip.law == ClipLaw::kThermostat || clip.thermostat != ThermostatSettings{})
    out["thermostat"] = ThermostatJson(clip.thermostat);
  if (!clip.points.empty()) {
    Json points = Json::array();
    for (const PiecewisePoint& point : clip.points) {
      points.push_back(
          {{"step", point.step}, {"upper", SideJson(point.upper)}, {"lower", SideJson(point.lower)}});
    }
    out["piecewise"] = {{"points", points}};
  }
  const Guards& guards = schedule.guards;
  const Json guards_json = {
      {"max_change_per_step",
       guards.max_change_per_step.has_value() ? Json(*guards.max_change_per_step) : Json(nullptr)},
      {"dead_band", guards.dead_band}};
  Json all;
  all["clip"] = out;
  for (const auto& [name, dial] : schedule.dials) all["dials"][name] = DialJson(dial);
  all["guards"] = guards_json;
  return all.dump();
}

absl::StatusOr<Schedule> ReadScheduleJson(absl::string_view text) {
  const absl::StatusOr<Json> parsed = ParseStrictJson(text);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(JsonReader::kWhole, ": expected one JSON object: ", parsed.status().message()));
  }
  const Json& json = *parsed;
  Schedule schedule;
  JsonReader reader;
  if (reader.Object("", json, {"clip", "dials", "guards"})) {
    if (json.contains("clip")) ReadClip(json["clip"], schedule.clip, reader);
    if (json.contains("dials")) ReadDials(json["dials"], schedule.dials, reader);
    if (json.contains("guards") &&
        reader.Object("guards", json["guards"], {"max_change_per_step", "dead_band"})) {
      reader.OptionalNumber("guards", json["guards"], "max_change_per_step",
                            schedule.guards.max_change_per_step);
      reader.Number("guards", json["guards"], "dead_band", schedule.guards.dead_band);
    }
  }
  if (!reader.problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(reader.problems, "\n"));
  return schedule;
}

std::string WriteBoundsJson(const ClipBounds& bounds) {
  const auto line = [](const std::optional<ClipLine>& side) {
    return side.has_value() ? Json{side->intercept, side->slope} : Json(nullptr);
  };
  return Json{{"upper", line(bounds.upper)}, {"lower", line(bounds.lower)}}.dump();
}

absl::StatusOr<ClipBounds> ReadBoundsJson(absl::string_view text) {
  ENTRAIN_ASSIGN_OR_RETURN(const Json json, ParseStrictJson(text));
  ClipBounds bounds;
  for (const auto& [key, side] : {std::pair("upper", &bounds.upper), std::pair("lower", &bounds.lower)}) {
    if (!json.is_object() || !json.contains(key))
      return absl::InvalidArgumentError(absl::StrCat("bounds: \"", key, "\" is missing"));
    const Json& value = json[key];
    if (value.is_null()) continue;
    if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_number()) {
      return absl::InvalidArgumentError(
          absl::StrCat("bounds.", key, ": expected [intercept, slope] or null"));
    }
    *side = ClipLine{.intercept = value[0].get<double>(), .slope = value[1].get<double>()};
  }
  return bounds;
}

std::string DiffSchedules(const Schedule& from, const Schedule& to) {
  std::map<std::string, std::string> before, after;
  Flatten("", Json::parse(WriteScheduleJson(from)), before);
  Flatten("", Json::parse(WriteScheduleJson(to)), after);
  std::vector<std::string> lines;
  for (const auto& [key, value] : before) {
    const auto now = after.find(key);
    if (now == after.end()) {
      lines.push_back(absl::StrCat(key, ": ", value, " → (default)"));
    } else if (now->second != value) {
      lines.push_back(absl::StrCat(key, ": ", value, " → ", now->second));
    }
  }
  for (const auto& [key, value] : after) {
    if (!before.contains(key)) lines.push_back(absl::StrCat(key, ": (default) → ", value));
  }
  return absl::StrJoin(lines, "\n");
}

}  // namespace entrain
