#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "controller/dial_schedule.h"
#include "controller/json_reader.h"

namespace entrain {

// `dials:` of a schedule as JSON, with the keys of docs/formats.md. Internal to controller_laws.
nlohmann::ordered_json DialJson(const DialSchedule& dial);
void ReadDials(const nlohmann::ordered_json& json, std::map<std::string, DialSchedule>& dials,
               JsonReader& reader);

}  // namespace entrain
