#include "controller/dial_json.h"

#include "absl/strings/str_join.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

// --- What is no plain number of a law. ---
void WriteMore(const PiecewiseDial& law, Json& out) {
  out["at"] = law.by_position ? "position" : "step";
  out["points"] = Json::array();
  for (const DialPoint& point : law.points) {
    const Json at = law.by_position ? Json(point.at) : Json(static_cast<int64_t>(point.at));
    out["points"].push_back({{law.by_position ? "position" : "step", at}, {"value", point.value}});
  }
}
void WriteMore(const EpochDial& law, Json& out) { out["epochs"] = law.epochs; }
void WriteMore(const AerDial& law, Json& out) {
  out["h_init"] = law.h_init.has_value() ? Json(*law.h_init) : Json("measured");
}
void WriteMore(const PiDial& law, Json& out) { out["direction"] = law.raises ? "raises" : "lowers"; }
template <typename Law>
void WriteMore(const Law&, Json&) {}

template <typename Law>
std::vector<std::string> MoreKeys(const Law&) {
  return {};
}
std::vector<std::string> MoreKeys(const PiecewiseDial&) { return {"at", "points"}; }
std::vector<std::string> MoreKeys(const EpochDial&) { return {"epochs"}; }
std::vector<std::string> MoreKeys(const AerDial&) { return {"h_init"}; }
std::vector<std::string> MoreKeys(const PiDial&) { return {"direction"}; }

// One of two words.
void ReadWord(const std::string& field, const Json& json, const char* key, const char* yes, const char* no,
              bool& out, JsonReader& reader) {
  if (!json.contains(key)) return;
  if (json[key] != yes && json[key] != no)
    return reader.Wrong(absl::StrCat(field, ".", key), absl::StrCat(yes, " or ", no), json[key]);
  out = json[key] == yes;
}

void ReadMore(const std::string& field, const Json& json, PiecewiseDial& law, JsonReader& reader) {
  ReadWord(field, json, "at", "position", "step", law.by_position, reader);
  reader.Needed(field, json, "points");
  if (!json.contains("points")) return;
  if (!json["points"].is_array()) return reader.Wrong(field + ".points", "a list", json["points"]);
  const char* const at = law.by_position ? "position" : "step";
  for (size_t i = 0; i < json["points"].size(); ++i) {
    const Json& entry = json["points"][i];
    const std::string name = absl::StrCat(field, ".points[", i, "]");
    if (!reader.Object(name, entry, {at, "value"})) continue;
    DialPoint point;
    reader.Needed(name, entry, at);
    reader.Needed(name, entry, "value");
    reader.Number(name, entry, at, point.at);
    reader.Number(name, entry, "value", point.value);
    law.points.push_back(point);
  }
}
void ReadMore(const std::string& field, const Json& json, EpochDial& law, JsonReader& reader) {
  reader.Needed(field, json, "epochs");
  reader.Whole(field, json, "epochs", law.epochs);
}
void ReadMore(const std::string& field, const Json& json, AerDial& law, JsonReader& reader) {
  if (json.contains("h_init") && json["h_init"] != "measured")
    reader.OptionalNumber(field, json, "h_init", law.h_init);
}
void ReadMore(const std::string& field, const Json& json, PiDial& law, JsonReader& reader) {
  if (!json.contains("initial")) law.initial = law.min;
  ReadWord(field, json, "direction", "raises", "lowers", law.raises, reader);
}
template <typename Law>
void ReadMore(const std::string&, const Json&, Law&, JsonReader&) {}

void ReadDial(const std::string& field, const Json& json, std::map<std::string, DialSchedule>& dials,
              const std::string& name, JsonReader& reader) {
  if (!json.is_object()) return reader.Wrong(field, "an object with a law", json);
  if (!json.contains("law")) return reader.problems.push_back(field + ".law is missing");
  std::optional<DialSchedule> dial =
      json["law"].is_string() ? DialLawFromName(json["law"].get<std::string>()) : std::nullopt;
  if (!dial.has_value())
    return reader.Wrong(field + ".law", absl::StrJoin(DialLawNames(), ", "), json["law"]);
  std::vector<std::string> known = {"law"};
  VisitDialNumbers(*dial, [&](const char* key, double&) { known.emplace_back(key); });
  std::visit(
      [&](auto& law) {
        for (std::string& key : MoreKeys(law)) known.push_back(std::move(key));
      },
      *dial);
  reader.Object(field, json, known);
  for (const std::string& key : NeededDialNumbers(*dial)) reader.Needed(field, json, key.c_str());
  VisitDialNumbers(*dial, [&](const char* key, double& number) { reader.Number(field, json, key, number); });
  std::visit([&](auto& law) { ReadMore(field, json, law, reader); }, *dial);
  dials.emplace(name, *std::move(dial));
}

}  // namespace

Json DialJson(const DialSchedule& dial) {
  Json out;
  out["law"] = DialLawName(dial);
  VisitDialNumbers(dial, [&](const char* key, const double& number) { out[key] = number; });
  std::visit([&](const auto& law) { WriteMore(law, out); }, dial);
  return out;
}

void ReadDials(const Json& json, std::map<std::string, DialSchedule>& dials, JsonReader& reader) {
  if (!json.is_object()) return reader.Wrong("dials", "an object", json);
  for (const auto& [name, dial] : json.items()) {
    if (dial.is_null()) continue;  // taken away by an override
    ReadDial(DialField(name), dial, dials, name, reader);
  }
}

}  // namespace entrain
