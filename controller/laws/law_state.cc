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
  WriteOptional("h_init", state.h_init, out);
  WriteOptional("target", state.target, out);
  out["integral"] = state.integral;
  return out;
}

bool ReadDial(const Json& json, DialState& state) {
  if (!json.is_object() || !json.contains("law") || !json["law"].is_string()) return false;
  state.law = json["law"].get<std::string>();
  std::optional<double> integral;
  const bool good = ReadOptional(json, "value", state.value) && ReadOptional(json, "h_init", state.h_init) &&
                    ReadOptional(json, "target", state.target) && ReadOptional(json, "integral", integral);
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

}  // namespace

std::string WriteLawState(const LawState& state) {
  Json out;
  WriteOptional("od_h_init", state.od_h_init, out);
  out["od_raise"] = state.od_raise;
  out["revision"] = state.revision;
  out["catching_up"] = state.catching_up;
  if (state.bounds.has_value()) out["bounds"] = Json::parse(WriteBoundsJson(*state.bounds));
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
  if (!json.is_object() || !ReadOptional(json, "od_h_init", state.od_h_init)) return bad();
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
  if (!ReadDials(json, state.dials)) return bad();
  return state;
}

}  // namespace entrain
