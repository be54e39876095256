#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/nearest.h"
#include "controller/schedule.h"

namespace entrain {

// null or "off"; some YAML readers make a bare off false.
inline bool IsOff(const nlohmann::ordered_json& json) {
  return json.is_null() || json == "off" || json == false;
}

// Reads objects key by key and collects every problem, each beginning with its field. Internal to
// controller_laws.
class JsonReader {
 public:
  static constexpr char kWhole[] = "schedule";  // the field of a problem with the whole document
  std::vector<std::string> problems;

  void Wrong(const std::string& field, absl::string_view expected, const nlohmann::ordered_json& found) {
    problems.push_back(absl::StrCat(
        field, ": expected ", expected, ", found ",
        found.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).substr(0, 60)));
  }
  // `field` is empty for the document itself.
  bool Object(const std::string& field, const nlohmann::ordered_json& json,
              const std::vector<std::string>& known) {
    if (!json.is_object()) {
      Wrong(field.empty() ? kWhole : field, "an object", json);
      return false;
    }
    for (const auto& [key, value] : json.items()) {
      if (std::ranges::find(known, key) == known.end()) {
        problems.push_back(absl::StrCat(field, field.empty() ? "" : ".", key.substr(0, 60), ": unknown key",
                                        DidYouMean(key, known)));
      }
    }
    return true;
  }
  void Number(const std::string& field, const nlohmann::ordered_json& json, const char* key, double& out) {
    if (!json.contains(key)) return;
    if (!json[key].is_number()) return Wrong(absl::StrCat(field, ".", key), "a number", json[key]);
    out = json[key].get<double>();
  }
  void OptionalNumber(const std::string& field, const nlohmann::ordered_json& json, const char* key,
                      std::optional<double>& out) {
    if (!json.contains(key) || json[key].is_null()) return;
    double value = 0;
    Number(field, json, key, value);
    out = value;
  }
  void Whole(const std::string& field, const nlohmann::ordered_json& json, const char* key, int64_t& out) {
    if (!json.contains(key)) return;
    if (!json[key].is_number_integer())
      return Wrong(absl::StrCat(field, ".", key), "a whole number", json[key]);
    out = json[key].get<int64_t>();
  }
  void Needed(const std::string& field, const nlohmann::ordered_json& json, const char* key) {
    if (!json.contains(key)) problems.push_back(absl::StrCat(field, ".", key, " is missing"));
  }
  // {intercept, slope}; null or "off" is off.
  ClipSide Side(const std::string& field, const nlohmann::ordered_json& json) {
    ClipSide side;
    if (IsOff(json)) {
      side.off = true;
      return side;
    }
    if (!Object(field, json, {"intercept", "slope"})) return side;
    if (!json.contains("intercept")) problems.push_back(absl::StrCat(field, ".intercept is missing"));
    Number(field, json, "intercept", side.line.intercept);
    Number(field, json, "slope", side.line.slope);
    return side;
  }
};

}  // namespace entrain
